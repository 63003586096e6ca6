/** Every interop case with every peer, as `routelab interop` runs them; docs/interop.md has to say the same. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CASES } from '../../src/main/cli/interop/cases.ts';
import { matrixPage, PEERS, type Result, runMatrix } from '../../src/main/cli/interop/matrix.ts';

/** Mostly waiting, for emulated paths. */
const CONCURRENCY = 3;

const run = (options: Partial<Parameters<typeof runMatrix>[0]> = {}): Promise<Result[]> =>
  runMatrix({
    peers: PEERS,
    cases: CASES,
    concurrency: CONCURRENCY,
    signal: new AbortController().signal,
    onResult: () => undefined,
    ...options,
  });

const results = await run();
// On a machine that is busy with others a timer of a peer's may have the last word: once more, alone.
for (const [index, { case: name, peer, role, outcome }] of results.entries()) {
  if (outcome !== 'fail') continue;
  const [again] = await run({
    peers: PEERS.filter((candidate) => candidate.name === peer),
    cases: CASES.filter((candidate) => candidate.name === name),
    roles: [role],
    concurrency: 1,
  });
  results[index] = again!;
}

const missing = new Map(PEERS.map(({ name, missing }) => [name, missing()]));

describe('an interop case', () => {
  for (const { case: name, peer, role, outcome, detail } of results) {
    const lacks = missing.get(peer) ?? null;
    const title = `${name}, our ${role} with ${peer}`;
    test.skipIf(lacks !== null)(lacks === null ? title : `${title}: it needs ${lacks}`, () => {
      expect(outcome, detail).not.toBe('fail');
    });
  }
});

const isWhole = [...missing.values()].every((what) => what === null);
test.skipIf(!isWhole)(
  `docs/interop.md is the matrix${isWhole ? '' : ': not every peer is installed'}`,
  () => {
    expect(matrixPage(results)).toBe(
      readFileSync(resolve(import.meta.dirname, '../../docs/interop.md'), 'utf8'),
    );
  },
);
