import { describe, expect, it } from 'vitest';
import { scenarioOf } from '../../src/main/cli/fairness-scenario.ts';
import { type Finished, run } from './run.ts';

const fairness = (...args: string[]): Promise<Finished> => run(['fairness', ...args]);
const PATH = ['--rate', '8mbit', '--rtt', '20ms', '--buffer', '1bdp'];

describe('routelab fairness', () => {
  it.each(['upload', 'download'])(
    'shares one bottleneck between real flows, and simulates the same: %s',
    async (direction) => {
      const args = [
        '--flows',
        'cubic,bbr',
        ...PATH,
        '--start',
        '0,1',
        '--duration',
        '4s',
        '--warmup',
        '500ms',
      ];
      const result = await fairness(...args, '--seed', '3', '--direction', direction, '--json');
      expect(result).toMatchObject({ code: 0, stderr: '' });
      const fields = JSON.parse(result.stdout);
      expect(fields).toMatchObject({ direction, seed: 3, duration_s: 4, emulated: true });
      expect(fields.common.from_s).toBeGreaterThanOrEqual(1.5);
      expect(fields.common.to_s).toBeLessThanOrEqual(4);
      expect(fields.flows.map(({ controller }: { controller: string }) => controller)).toEqual([
        'cubic',
        'bbr3',
      ]);
      const shares = fields.flows.map(({ share }: { share: number }) => share);
      expect(shares[0] + shares[1]).toBeCloseTo(1, 3);
      // Both pass one link; what an upload's reports, each 250 ms, leave open at the edges is far below the rate of a second one.
      expect(fields.goodput_bps).toBeGreaterThan(0);
      expect(fields.goodput_bps).toBeLessThan(8e6 * 1.2);
      expect(fields.jain).toBeGreaterThanOrEqual(0.5);
      expect(fields.jain_per_second).toHaveLength(4);
      expect(fields.simulated.flows).toHaveLength(2);
      expect(fields.simulated.goodput_bps).toBeGreaterThan(6e6);
    },
    60_000,
  );

  it('prints a table that says what is simulated', async () => {
    const { code, stdout } = await fairness(
      '--flows',
      'cubic,newreno',
      ...PATH,
      '--duration',
      '2s',
      '--warmup',
      '200ms',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^flow0 +cubic /m);
    expect(stdout).toMatch(/simulated/);
    expect(stdout).toMatch(/^Jain +[\d.]+, simulated [\d.]+$/m);
  }, 60_000);

  it('refuses what makes no comparison', async () => {
    for (const [args, says] of [
      [['--flows', 'cubic', ...PATH], '--flows: 1 flows are not from 2'],
      [['--flows', 'cubic,vegas', ...PATH], '--flows: "vegas" is none of'],
      [['--flows', 'cubic,bbr'], '--rate: flows share a bottleneck'],
      [['--flows', 'cubic,bbr', ...PATH, '--start', '0'], '--start: 1 times for 2 flows'],
      [
        ['--flows', 'cubic,bbr', ...PATH, '--start', '0,29', '--duration', '30s'],
        '--start: the last flow begins too late',
      ],
      [['--flows', 'cubic,bbr', ...PATH, '--duration', '1ms'], '--duration: 1ms is not from 1 s'],
    ] as const) {
      const { stderr, code } = await fairness(...args);
      expect(stderr).toContain(`RL_INPUT_INVALID: ${says}`);
      expect(code).toBe(2);
    }
  });
});

describe('the scenario of an emulated path', () => {
  const link = { rateBps: 2e7, delayMs: 20, jitterMs: 0, lossRatio: 0.01, bufferBytes: null, bufferBdp: 1 };
  const setting = {
    flows: ['cubic', 'bbr3'] as const,
    starts: [0, 1e6],
    direction: 'upload' as const,
    durationUs: 10e6,
    warmupUs: 1e6,
    seed: 7,
  };

  it('has its rate, buffer, losses and round trip, both ways', () => {
    expect(
      scenarioOf({ profile: 'custom', up: link, down: { ...link, rateBps: 1e6 }, flap: null }, setting),
    ).toMatchObject({
      seed: 7,
      duration_s: 10,
      warmup_s: 2,
      bottleneck: { rate_bps: 2e7, buffer_bytes: 100_000 },
      loss: { model: 'iid', rate: 0.01 },
      reverse: { rate_bps: 1e6, buffer_bytes: 5000 },
      flows: [
        { controller: 'cubic', rtt_ms: 40, start_s: 0 },
        { controller: 'bbr3', rtt_ms: 40, start_s: 1 },
      ],
    });
  });

  it('is none of what the simulator does not have, and says why', () => {
    const flap = { periodMs: 1000, downMs: 100 };
    expect(scenarioOf({ profile: 'custom', up: link, down: link, flap }, setting)).toContain('cut');
    const spoilt = { ...link, corruptRatio: 0.1 };
    expect(scenarioOf({ profile: 'custom', up: spoilt, down: link, flap: null }, setting)).toContain(
      'corrupted',
    );
  });
});
