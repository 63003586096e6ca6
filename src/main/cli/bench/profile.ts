/** A processor profile of this process, as V8 samples it. */
import { writeFileSync } from 'node:fs';
import { type Profiler as Protocol, Session } from 'node:inspector/promises';
import { basename } from 'node:path';

const TOP = 12;
/** Samples in which nothing ran. */
const IDLE = '(idle)';

export class Profiler {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.start');
  }

  /** Writes a .cpuprofile; returns the functions with the largest shares of the time that was not idle. */
  async save(path: string): Promise<{ name: string; share: number }[]> {
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    writeFileSync(path, JSON.stringify(profile));
    return topOf(profile);
  }
}

function topOf({
  nodes,
  samples = [],
  timeDeltas = [],
}: Protocol.Profile): { name: string; share: number }[] {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url } }) => [
      id,
      functionName === IDLE ? IDLE : `${functionName || '(anonymous)'} ${basename(url)}`.trim(),
    ]),
  );
  const self = new Map<string, number>();
  let total = 0;
  samples.forEach((id, i) => {
    const name = names.get(id)!;
    if (name === IDLE) return;
    self.set(name, (self.get(name) ?? 0) + timeDeltas[i]!);
    total += timeDeltas[i]!;
  });
  return [...self]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, us]) => ({ name, share: us / total }));
}
