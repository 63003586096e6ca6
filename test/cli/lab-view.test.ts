import { describe, expect, test } from 'vitest';
import { type RouteView, routeLine, routeResult, routeTable } from '../../src/main/cli/lab-view.ts';
import { Screen } from '../../src/main/cli/screen.ts';
import { LabError } from '../../src/shared/errors.ts';
import { pingStats } from '../../src/shared/samples.ts';

const route: RouteView['route'] = {
  id: 'lte',
  name: 'LTE',
  host: '127.0.0.1',
  port: 1,
  serverName: null,
  controller: 'cubic',
  parameters: {},
  pingRate: 10,
  transferEveryS: null,
  transferBytes: 1e6,
  insecure: false,
  tags: [],
  emulation: null,
  colour: 0,
  demo: true,
  declared: false,
  enabled: true,
  createdAtMs: 0,
};
const status: RouteView['status'] = {
  routeId: 'lte',
  state: 'up',
  error: null,
  runId: 1,
  sinceMs: 0,
  ping: null,
  down: { atMs: 0, bytes: 1e6, durationUs: 1e6, goodputBps: 8e6 },
  up: null,
  payloadBps: null,
  transferError: null,
  silentSinceMs: null,
  handshakeUs: 61_234,
  transport: null,
  emulated: true,
  insecure: false,
};
const ping = pingStats(
  [50_000, 60_000, null, 55_000].map((rttUs, i) => ({ atMs: i, rttUs, loaded: false })),
  [],
  0,
  10,
);
const measured: RouteView = { route, status, ping };
const down: RouteView = {
  route: { ...route, name: 'Other' },
  status: {
    ...status,
    state: 'down',
    emulated: false,
    insecure: true,
    down: null,
    handshakeUs: null,
    error: new LabError('RL_PORT_CLOSED', 'nobody listens').toBody(),
  },
  ping: null,
};

describe('the routes on a terminal', () => {
  const lines = (width?: number): string[] => routeTable([measured, down], width).split('\n');

  test('are a table with aligned numbers and units, marks beside the names, and a reason for what is down', () => {
    const [header, up, other] = lines();
    expect(header).toMatch(/^route +state +RTT p50 +RTT p95 +jitter +loss +down +up$/);
    expect(up).toMatch(/^LTE +emulated +up +55\.0 ms +59\.5 ms +0\.90 ms +25\.0 % +8\.00 Mbit\/s +–$/);
    expect(other).toMatch(/^Other +insecure +down +nobody listens$/);
    // Reserved widths: what is measured next second does not move the columns.
    const longer = {
      ...measured,
      ping: pingStats([{ atMs: 1, rttUs: 1_234_567, loaded: false }], [], 0, 10),
    };
    const [wider] = routeTable([longer, down]).split('\n').slice(1);
    expect(wider!.indexOf('Mbit/s')).toBe(up!.indexOf('Mbit/s'));
  });

  test.each([40, 60, 80, 100, 120, 200])(
    'fit a terminal of %i columns, the marks and the state always',
    (width) => {
      for (const line of lines(width)) expect(line.length).toBeLessThanOrEqual(width);
      const [, up, other] = lines(width);
      expect(up).toMatch(/^LTE +emulated +up/);
      expect(other).toMatch(/^Other +insecure +down/);
      if (width >= 80) expect(up).toContain('8.00 Mbit/s');
      if (width >= 60) expect(up).toContain('25.0 %');
    },
  );

  test('end what does not fit with an ellipsis', () => {
    const long = {
      ...down,
      route: { ...route, name: 'A route with a name of sixty-four characters, as long as it gets.' },
    };
    const [, line] = routeTable([long], 60).split('\n');
    expect(line!.length).toBeLessThanOrEqual(60);
    expect(line).toMatch(/^A route.*… {2}insecure {2}down +nobody listens$/);
  });

  test('are a line each for logs, without what was not measured', () => {
    expect(routeLine(measured)).toBe(
      'LTE  emulated  up  RTT p50 55.0 ms  RTT p95 59.5 ms  jitter 0.90 ms  loss 25.0 %  down 8.00 Mbit/s',
    );
    expect(routeLine(down)).toBe('Other  insecure  down  nobody listens');
  });

  test('are an object each for --json, absent where not measured', () => {
    expect(routeResult(measured)).toEqual({
      id: 'lte',
      name: 'LTE',
      state: 'up',
      congestion: 'cubic',
      sent: 4,
      received: 3,
      skipped: 0,
      rtt_ms: { min: 50, mean: 55, p50: 55, p95: 59.5, p99: 59.9 },
      jitter_ms: 0.898,
      loss_ratio: 0.25,
      goodput_bps: { down: 8e6 },
      handshake_ms: 61.234,
      emulated: true,
    });
    expect(routeResult(down)).toEqual({
      id: 'lte',
      name: 'Other',
      state: 'down',
      congestion: 'cubic',
      insecure: true,
      error: expect.objectContaining({ code: 'RL_PORT_CLOSED' }),
    });
  });
});

describe('the screen', () => {
  const written: string[] = [];
  const screen = (columns: number): Screen => {
    written.length = 0;
    return new Screen({ columns, write: (text: string) => written.push(text) });
  };

  test('rewrites its block in place, and lets lines appear above it', () => {
    const terminal = screen(80);
    terminal.show('a\nb');
    terminal.show('c');
    terminal.above('said\n');
    expect(written).toEqual(['a\nb\n', '\x1b[2A\x1b[Jc\n', '\x1b[1A\x1b[Jsaid\nc\n']);
  });

  test('cuts lines that would wrap, and does not count colours', () => {
    const terminal = screen(3);
    terminal.show('\x1b[31mabc\x1b[39m\nabcd');
    expect(written).toEqual(['\x1b[31mabc\x1b[39m\nabc\n']);
  });

  test('cuts nothing on a terminal that says it has no columns', () => {
    const terminal = screen(0);
    terminal.show('abcd');
    expect(written).toEqual(['abcd\n']);
  });
});
