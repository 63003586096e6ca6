import { expect, it } from 'vitest';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

it.each(TARGETS.map((target) => [target.name, target] as const))(
  '%s holds against mutated inputs',
  async (_, target) => {
    const inputs = target.inputs ?? 3000;
    expect(await fuzz(target, 1, (done) => done < inputs)).toBeGreaterThanOrEqual(inputs);
  },
);

it('a defect is reported with the input that shows it', async () => {
  const target = {
    name: 'broken',
    seeds: [Buffer.from([1])],
    run: (data: Buffer) => {
      if (data.length === 0) throw new Error('empty input');
    },
  };
  await expect(fuzz(target, 1, () => true)).rejects.toThrow(
    /broken, seed 1, input \d+: --target broken --input \nError: empty input/,
  );
});
