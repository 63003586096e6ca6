/** A block of lines at the end of a terminal that is rewritten in place, with other output appearing above it. */
import { stripVTControlCharacters } from 'node:util';

/** What of a terminal is used; a WriteStream is one. */
interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

export class Screen {
  readonly #terminal: Terminal;
  #block: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Replaces the block. */
  show(text: string): void {
    const erase = this.#erased();
    this.#block = text.split('\n').map((line) => this.#fitted(line));
    this.#terminal.write(`${erase}${this.#block.map((line) => `${line}\n`).join('')}`);
  }

  /** Whole lines above the block, to stay. */
  above(text: string): void {
    const erase = this.#erased();
    this.#terminal.write(`${erase}${text}${this.#block.map((line) => `${line}\n`).join('')}`);
  }

  /** Moves to the block's first line and clears from there. */
  #erased(): string {
    return this.#block.length === 0 ? '' : `\x1b[${this.#block.length}A\x1b[J`;
  }

  /** A line that wrapped would be two lines to the terminal and one to us. */
  #fitted(line: string): string {
    // A pseudo-terminal whose size nobody set says 0.
    const width = this.#terminal.columns || Number.POSITIVE_INFINITY;
    const plain = stripVTControlCharacters(line);
    return plain.length <= width ? line : plain.slice(0, width);
  }
}
