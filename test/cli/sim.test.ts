import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ScenarioResult } from '../../src/shared/scenario.ts';
import { run, start } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-sim-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RESOURCES = new URL('../../resources/scenarios/', import.meta.url).pathname;
const scenario = {
  duration_s: 5,
  warmup_s: 1,
  bottleneck: { rate_bps: 1e7, buffer_bytes: 50_000 },
  flows: [{ controller: 'cubic', rtt_ms: 40 }],
};

function fileOf(name: string, content: object | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function resultOf(...args: string[]): Promise<ScenarioResult> {
  const { code, stdout, stderr } = await run(['sim', ...args, '--json']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return ScenarioResult.strict().parse(JSON.parse(stdout));
}

describe('routelab sim', () => {
  it('shows its options, each of which docs/simulator.md tells of', async () => {
    const { code, stdout, stderr } = await run(['sim', '--help']);
    expect([code, stderr]).toEqual([0, '']);
    const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name!);
    expect(options).toEqual(
      expect.arrayContaining(['--seeds', '--workers', '--trace', '--set', '--json', '--help']),
    );
    expect(stdout).toContain('docs/simulator.md');
    const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8');
    const told = [...page.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, name]) => name!);
    expect(told.toSorted()).toEqual(options.filter((name) => name !== '--help').toSorted());
  });

  it('prints the result of a scenario as JSON, the same every time', async () => {
    const path = fileOf('plain.json', scenario);
    const [first, second] = await Promise.all([resultOf(path), resultOf(path)]);
    expect({ ...second, wall_s: 0 }).toEqual({ ...first, wall_s: 0 });
    expect(Object.keys(first)).toEqual(['flows', 'link', 'packet', 'jain', 'events', 'wall_s']);
    expect(first.flows[0]!.goodput_bps).toBeGreaterThan(9e6);
  });

  it('prints a table for people', async () => {
    const { stdout } = await run(['sim', fileOf('table.json', scenario)]);
    expect(stdout).toMatch(/flow0 {2}cubic +9\.\d\d Mbit\/s/);
    expect(stdout).toMatch(/link +\d+\.\d % used, dropped at the queue: \d+/);
    expect(stdout).toMatch(/simulated: 4 s after a warm-up of 1 s/);
  });

  it('tells of what came twice, and of flows that gave up', async () => {
    const { stdout } = await run([
      'sim',
      fileOf('cut.json', {
        ...scenario,
        duration_s: 20,
        duplicate_rate: 0.1,
        bottleneck: { rate_bps: 1e7, rate_schedule: [[8, 0], [19, 1e7]] }, // biome-ignore format: rows
        flows: [{ ...scenario.flows[0], idle_timeout_s: 2 }],
      }),
    ]);
    expect(stdout).toMatch(/flow0 {2}cubic .* gave up: 10\.\d s/);
    expect(stdout).toMatch(/^link .*, came twice: \d+$/m);
  });

  it('averages seeds on threads to the same figures as here', async () => {
    const lossy = fileOf('lossy.json', { ...scenario, loss: { model: 'iid', rate: 0.01 } });
    const [pooled, alone] = await Promise.all([
      resultOf(lossy, '--seeds', '3', '--workers', '2'),
      Promise.all(
        [1, 2, 3].map((seed) =>
          resultOf(fileOf(`s${seed}.json`, { ...scenario, seed, loss: { model: 'iid', rate: 0.01 } })),
        ),
      ),
    ]);
    const mean = alone.reduce((sum, { flows }) => sum + flows[0]!.goodput_bps, 0) / 3;
    expect(pooled.flows[0]!.goodput_bps).toBe(mean);
    const goodputs = alone.map(({ flows }) => flows[0]!.goodput_bps);
    const { spread } = pooled.flows[0]!;
    expect(spread!.goodput_bps).toMatchObject({ min: Math.min(...goodputs), max: Math.max(...goodputs) });
    expect(spread!.goodput_bps.sd).toBeCloseTo(
      Math.sqrt(goodputs.reduce((s, x) => s + (x - mean) ** 2, 0) / 2),
      3,
    );
    const { stdout } = await run(['sim', lossy, '--seeds', '3']);
    expect(stdout).toMatch(/^spread flow0 \d\.\d\d Mbit\/s to .* mean RTT .* ms \(sd .*lost 0\.\d+ % to/m);
    expect(pooled.events).toBe(alone.reduce((sum, { events }) => sum + events, 0));
  });

  it('says that seeds agree where nothing is random, and that they matter to BBR', async () => {
    const plain = await run(['sim', fileOf('fixed.json', scenario), '--seeds', '2']);
    expect(plain.stdout).toContain('spread none: seeds agree');
    const flows = [{ controller: 'bbr3', rtt_ms: 200 }];
    const bbr = await resultOf(fileOf('bbr.json', { ...scenario, duration_s: 10, flows }), '--seeds', '2');
    expect(bbr.flows[0]!.spread!.goodput_bps.sd).toBeGreaterThan(0);
  });

  it('sets parameters of one flow or of all', async () => {
    const two = fileOf('two.json', { ...scenario, flows: [scenario.flows[0], scenario.flows[0]] });
    const [plain, tuned] = await Promise.all([
      resultOf(two),
      resultOf(two, '--set', 'flow0.Beta=0.9', '--set', 'C=1'),
    ]);
    const share = ({ flows }: ScenarioResult): number => flows[0]!.goodput_bps / flows[1]!.goodput_bps;
    expect(share(tuned)).toBeGreaterThan(share(plain));
    const { code, stderr } = await run(['sim', two, '--set', 'flow2.C=1']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/there is no flow2; the last is flow1/)]);
  });

  it('writes its trace as CSV or JSON, whole or not at all', async () => {
    const path = fileOf('traced.json', {
      ...scenario,
      flows: [...scenario.flows, { controller: 'newreno', rtt_ms: 20, start_s: 2 }],
    });
    const csv = join(folder, 'trace.csv');
    await resultOf(path, '--trace', csv);
    const [head, ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n');
    expect(head).toBe(
      't_s,flow,controller,state,cwnd_bytes,in_flight_bytes,pacing_bps,bandwidth_bps,rtt_ms,min_rtt_ms,lost_packets,delivered_bytes,queue_bytes',
    );
    expect(rows).toHaveLength(5001 + 3001);
    expect(rows[0]).toMatch(/^0,0,cubic,slow-start,13500,/);
    expect(rows.find((row) => row.split(',')[1] === '1')).toMatch(/^2,1,newreno,slow-start,/);
    const json = join(folder, 'trace.json');
    await resultOf(path, '--trace', json);
    const trace = JSON.parse(readFileSync(json, 'utf8'));
    expect(trace.flows[1].series.tUs).toHaveLength(3001);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('reads standard input', async () => {
    const { child, finished } = start(['sim', '-', '--json'], {}, 'pipe');
    child.stdin!.end(JSON.stringify(scenario));
    const { code, stdout } = await finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout).flows).toHaveLength(1);
  });

  it('says of standard input what is wrong with it', async () => {
    const { child, finished } = start(['sim', '-'], {}, 'pipe');
    child.stdin!.end('nonsense');
    expect((await finished).stderr).toMatch(/: standard input is not JSON: /);
  });

  it('reads a file that begins with a byte-order mark', async () => {
    const { flows } = await resultOf(fileOf('bom.json', `\uFEFF${JSON.stringify(scenario)}`));
    expect(flows).toHaveLength(1);
  });

  it.each([
    ['nothing', '', 'RL_INPUT_INVALID', /bad\.json is empty/],
    ['text', '{"seed": 1,', 'RL_INPUT_INVALID', /is not JSON: /],
    [
      'an unknown field',
      { ...scenario, sped: 1 },
      'RL_INPUT_INVALID',
      /sped: no such field; known here are seed, duration_s, .*, profile$/m,
    ],
    [
      'a field in the wrong place',
      { ...scenario, bottleneck: { ...scenario.bottleneck, loss: { model: 'none' } } },
      'RL_INPUT_INVALID',
      /bottleneck\.loss: no such field; loss is a field of the scenario itself and of reverse; known here are rate_bps,/,
    ],
    [
      'a negative time once',
      { ...scenario, duration_s: -5 },
      'RL_INPUT_INVALID',
      /duration_s: is -5[^;]*;[^;]*$/m,
    ],
    [
      'a value out of range',
      { ...scenario, duration_s: -5 },
      'RL_INPUT_INVALID',
      /duration_s: is -5;.*0\.001/,
    ],
    [
      'a parameter out of range',
      { ...scenario, flows: [{ ...scenario.flows[0], params: { C: 99 } }] },
      'RL_INPUT_INVALID',
      /flows\.0\.params\.C: C is 99; accepted are 0\.04 to 4/,
    ],
    [
      'an unknown profile',
      { ...scenario, profile: 'warp' },
      'RL_INPUT_INVALID',
      /there is no profile "warp"/,
    ],
    [
      'a profile that cannot be simulated',
      { ...scenario, profile: 'flap' },
      'RL_INPUT_INVALID',
      /profile: "flap" is cut now and then/,
    ],
    [
      'a bottleneck that is none, beside a profile',
      { ...scenario, profile: 'wifi', bottleneck: '10mbit' },
      'RL_INPUT_INVALID',
      /bottleneck: is "10mbit"; expected object/,
    ],
  ])('refuses %s with the field, the value and the range', async (_, content, errorCode, message) => {
    const { code, stderr } = await run(['sim', fileOf('bad.json', content)]);
    expect(code).toBe(2);
    expect(stderr).toContain(errorCode);
    expect(stderr).toMatch(message);
  });

  it('refuses more seeds than there are numbers for', async () => {
    const path = fileOf('last-seed.json', { ...scenario, seed: Number.MAX_SAFE_INTEGER });
    const { code, stderr } = await run(['sim', path, '--seeds', '2']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--seeds: .* is beyond 9007199254740991/)]);
  });

  it('says which file it cannot read or write', async () => {
    const missing = await run(['sim', 'missing.json']);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('RL_FILE_UNREADABLE')]);
    expect(missing.stderr).toContain(resolve('missing.json'));
    const path = fileOf('ok.json', scenario);
    const nowhere = await run(['sim', path, '--trace', join(folder, 'none', 'trace.csv')]);
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('RL_FILE_UNWRITABLE')]);
    const other = await run(['sim', path, '--trace', join(folder, 'trace.png')]);
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringMatching(/ends neither in \.csv nor in \.json/),
    ]);
  });

  it.each([
    ['here', []],
    ['on threads', ['--seeds', '3', '--workers', '2']],
  ])('ends cleanly on Ctrl-C while it runs %s', async (_, flags) => {
    const endless = { ...scenario, duration_s: 86_400, bottleneck: { rate_bps: 1e9 } };
    const trace = join(folder, 'cancelled.csv');
    const { child, finished } = start(['sim', fileOf('endless.json', endless), '--trace', trace, ...flags]);
    // The draft of the trace shows that it has begun.
    while (!readdirSync(folder).some((name) => name.endsWith('.part'))) await new Promise(setImmediate);
    child.kill('SIGINT');
    const { code, stderr } = await finished;
    expect(stderr).toContain('RL_CANCELLED');
    expect(code).toBe(130);
    expect(readdirSync(folder).filter((name) => name.includes('cancelled'))).toEqual([]);
  });

  it.each(readdirSync(RESOURCES))('runs resources/scenarios/%s', async (name) => {
    const { flows, link } = await resultOf(join(RESOURCES, name));
    expect(flows.every(({ goodput_bps }) => goodput_bps > 0)).toBe(true);
    expect(link.utilization).toBeGreaterThan(0.5);
    expect(link.utilization).toBeLessThanOrEqual(1);
  });
});
