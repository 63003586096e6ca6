/** The flags that were given, each under the name it is documented with, and readers of their values; those throw RL_INPUT_INVALID naming the flag. */
import { parseNumber } from '../options.ts';
import { FLAGS, type Mode } from './flags.ts';
import { invalid, parseGoDuration } from './go-flags.ts';

export class Given {
  readonly #texts = new Map<string, string>();

  /** Throws RL_INPUT_INVALID for two names of one flag that contradict each other. */
  constructor(texts: ReadonlyMap<string, string>) {
    for (const [name, text] of texts) {
      const { sameAs, kind } = FLAGS.find((flag) => flag.name === name)!;
      const other = sameAs === undefined ? undefined : texts.get(sameAs);
      if (other !== undefined && other !== text && kind === 'text')
        throw invalid(name, `says another than --${sameAs}`);
      const isOn = this.isOn(sameAs ?? name);
      this.#texts.set(sameAs ?? name, kind === 'bool' && isOn ? 'true' : text);
    }
  }

  /** Refuses what means nothing in this mode, and what RouteLab has not. */
  check(mode: Mode): void {
    for (const { name, modes, refusal } of FLAGS) {
      const text = this.#texts.get(name);
      if (text === undefined) continue;
      // Both are what quic-test does without the flag.
      if (refusal !== undefined && text !== 'false' && text !== '0') throw invalid(name, refusal);
      if (!modes.includes(mode)) throw invalid(name, `means nothing in mode ${mode}`);
    }
  }

  get names(): string[] {
    return [...this.#texts.keys()];
  }

  has(flag: string): boolean {
    return this.#texts.has(flag);
  }

  isOn(flag: string): boolean {
    return this.#texts.get(flag) === 'true';
  }

  text(flag: string): string | null {
    return this.#texts.get(flag) ?? null;
  }

  read<T>(flag: string, parse: (text: string) => T): T | undefined {
    const text = this.#texts.get(flag);
    return text === undefined ? undefined : parse(text);
  }

  number(flag: string, min: number, max: number, integer = true): number | undefined {
    return this.read(flag, (text) => parseNumber(text, `--${flag}`, { min, max, integer }));
  }

  /** 0 is what quic-test takes for not given. */
  milliseconds(flag: string, min: number, max: number): number | undefined {
    return this.read(flag, (text) => {
      const ms = parseGoDuration(text, flag) / 1e3;
      if (ms === 0) return undefined;
      if (ms < min || ms > max) throw invalid(flag, `${text} is not from ${min} ms to ${max / 1e3} s`);
      return ms;
    });
  }
}
