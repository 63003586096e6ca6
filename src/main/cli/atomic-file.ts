/** A file that appears whole or not at all: written beside its place and moved there. */
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { placeOf, unwritable } from './writable.ts';

export class AtomicFile {
  readonly #path: string;
  readonly #draft: string;
  readonly #field: string;
  #descriptor: number | null;

  /** Throws RL_FILE_UNWRITABLE, of `field`, where it could not be written. */
  constructor(path: string, field: string) {
    this.#path = placeOf(path, field);
    this.#draft = `${this.#path}.${process.pid}.part`;
    this.#field = field;
    try {
      this.#descriptor = openSync(this.#draft, 'wx');
    } catch (cause) {
      throw unwritable(field, cause);
    }
  }

  /** Throws RL_FILE_UNWRITABLE, and then leaves no trace of it. */
  write(text: string): void {
    try {
      // All of it: a single write may take a part, as on a disk that fills up, and say nothing.
      writeFileSync(this.#descriptor!, text);
    } catch (cause) {
      this.discard();
      throw unwritable(this.#field, cause);
    }
  }

  /** Puts the file into its place. */
  commit(): void {
    closeSync(this.#descriptor!);
    this.#descriptor = null;
    try {
      renameSync(this.#draft, this.#path);
    } catch (cause) {
      rmSync(this.#draft, { force: true });
      throw unwritable(this.#field, cause);
    }
  }

  /** Leaves no trace of it, unless it is in its place already. */
  discard(): void {
    if (this.#descriptor === null) return;
    closeSync(this.#descriptor);
    this.#descriptor = null;
    rmSync(this.#draft, { force: true });
  }
}
