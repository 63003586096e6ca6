/** lab.yaml as a file: read whole, and watched, the one that is renamed into its place included. */
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { MAX_FILE_BYTES } from '../../shared/config/file.ts';
import { LabError } from '../../shared/errors.ts';

/** Editors and tools write in several steps. */
const SETTLE_MS = 100;

export class ConfigurationFile {
  readonly path: string;
  readonly #required: boolean;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** `required` when somebody named it. */
  constructor({ path, required }: { path: string; required: boolean }) {
    this.path = resolve(path);
    this.#required = required;
  }

  get name(): string {
    return basename(this.path);
  }

  /** Its text; null where none needs to be and none is. Throws RL_CONFIG_INVALID and RL_FILE_UNREADABLE. */
  read(): string | null {
    const { path } = this;
    try {
      const { size } = statSync(path);
      if (size > MAX_FILE_BYTES)
        throw new LabError('RL_CONFIG_INVALID', `${path}: larger than ${MAX_FILE_BYTES / 1024} KiB`);
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    } catch (thrown) {
      if (thrown instanceof LabError) throw thrown;
      const { code, message } = thrown as NodeJS.ErrnoException;
      if (code === 'ENOENT' && !this.#required) return null;
      throw code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? new LabError('RL_CONFIG_INVALID', `${path}: not UTF-8`)
        : new LabError('RL_FILE_UNREADABLE', `${path} cannot be read: ${message}`, {
            field: '--config',
            cause: thrown,
          });
    }
  }

  /** Calls `onChange` once each change has settled, or `onFailure` where changes cannot be noticed. */
  watch(onChange: () => void, onFailure: (error: Error) => void): void {
    const names: ReadonlySet<string | null> = new Set([this.name, '..data', null]);
    try {
      // The folder, not the file: one that is renamed into place is another file.
      this.#watcher = watch(dirname(this.path), { persistent: false }, (_event, name) => {
        if (!names.has(name)) return;
        if (this.#timer !== null) clearTimeout(this.#timer);
        this.#timer = setTimeout(onChange, SETTLE_MS);
      });
      this.#watcher.on('error', onFailure);
    } catch (error) {
      onFailure(error as Error);
    }
  }

  close(): void {
    this.#watcher?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
