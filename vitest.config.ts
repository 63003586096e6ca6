import { defineConfig } from 'vitest/config';

/** The time limits end what hangs: a busy machine is allowed to be slow. */
const common = {
  pool: 'threads',
  testTimeout: 90_000,
  hookTimeout: 90_000,
  expect: { poll: { timeout: 60_000 } },
} as const;
/** Tests whose subject is a measurement: alone, after everything else, so that they measure the path and not the suite. */
const measured = [
  'test/cli/bench/congestion.test.ts',
  'test/cli/bench/kernel-path.test.ts',
  'test/probe/emulated-path.test.ts',
  'test/interop/matrix.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', ...measured],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'measured',
          include: measured,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
