/**
 * Fuzzing: `node test/fuzz/run.ts --seconds N [--target name] [--seed N]`, N seconds for each target. A failure is
 * reported with its input: `--target name --input HEX` runs that one alone.
 */
import { parseArgs } from 'node:util';
import { Rng } from '../../src/main/path/rng.ts';
import { mutate } from './mutate.ts';
import type { FuzzTarget } from './target.ts';
import { TARGETS } from './targets.ts';

/** Runs `target` on its seeds, then on mutations of them while `more` says so. Returns how many inputs it took. */
export async function fuzz(
  target: FuzzTarget,
  seed: number,
  more: (done: number) => boolean,
): Promise<number> {
  const rng = Rng.fromSeed(seed);
  let done = 0;
  const tryInput = async (input: Buffer): Promise<void> => {
    try {
      await target.run(Buffer.from(input));
    } catch (cause) {
      const where = `${target.name}, seed ${seed}, input ${done}: --target ${target.name} --input ${input.toString('hex')}`;
      throw new Error(`${where}\n${cause}`, { cause });
    }
    done++;
  };
  for (const input of target.seeds) await tryInput(input);
  while (more(done)) await tryInput(mutate(rng, target.seeds));
  return done;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      target: { type: 'string' },
      seed: { type: 'string', default: '1' },
      input: { type: 'string' },
    },
  });
  const chosen = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
  const seed = Number(values.seed);
  const seconds = Number(values.seconds);
  if (chosen.length === 0 || !Number.isSafeInteger(seed) || !(seconds > 0)) {
    console.error(
      `usage: run.ts --seconds N [--target ${TARGETS.map(({ name }) => name).join('|')}] [--seed N]`,
    );
    process.exitCode = 2;
    return;
  }
  for (const target of chosen) {
    if (values.input !== undefined) {
      await target.run(Buffer.from(values.input, 'hex'));
      console.log(`${target.name}: passes`);
      continue;
    }
    const until = performance.now() + seconds * 1000;
    const done = await fuzz(target, seed, () => performance.now() < until);
    console.log(`${target.name}: ${done} inputs in ${seconds} s, seed ${seed}`);
  }
}

if (import.meta.main) await main();
