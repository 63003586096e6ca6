import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAGS } from '../../../src/main/cli/quic-test/flags.ts';
import { parseGoDuration, parseGoFlags } from '../../../src/main/cli/quic-test/go-flags.ts';
import { type QuicTestSettings, readSettings } from '../../../src/main/cli/quic-test/settings.ts';
import { Outlet } from '../../../src/main/cli/quic-test/tell.ts';
import { LabError } from '../../../src/shared/errors.ts';

const settings = (...args: string[]): QuicTestSettings => readSettings(parseGoFlags(args, FLAGS));
const refusal = (...args: string[]): { field: string | undefined; message: string; hint: string } => {
  try {
    settings(...args);
  } catch (thrown) {
    const { field, message, hint } = thrown as LabError;
    return { field, message, hint };
  }
  throw new Error(`${args.join(' ')} was accepted`);
};

describe('flags as Go reads them', () => {
  it.each([['-rate=200'], ['--rate=200'], ['-rate', '200'], ['--rate', '200'], ['-rate=1', '-rate=200']])(
    'one dash or two, a value behind = or after it, the last holds: %s',
    (...args) => expect(settings(...args).plan.ratePerS).toBe(200),
  );

  it('booleans stand alone or have a value behind =', () => {
    expect(settings('-insecure').insecure).toBe(true);
    expect(settings('--insecure=true').insecure).toBe(true);
    expect(settings('--insecure=0').insecure).toBe(false);
    expect(refusal('--insecure=maybe').field).toBe('--insecure');
    for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty'])
      expect(refusal(`--fec=${name}`).message).toBe(`--fec: "${name}" is neither true nor false`);
    // Go stops at what is no flag; here nothing is left over in silence.
    expect(refusal('--insecure', 'true').message).toContain('"true" is no flag');
  });

  it('an unknown flag is refused, with the one that was meant', () => {
    expect(refusal('--packet-sise=5')).toMatchObject({
      field: '--packet-sise',
      hint: 'Did you mean --packet-size?',
    });
    expect(refusal('--zzz').hint).toContain('--help');
    expect(refusal('--rate').message).toBe('--rate: needs a value');
  });

  it('whatever is given, it is taken or refused by the catalogue', () => {
    const name = fc.constantFrom(...FLAGS.map((flag) => flag.name), 'no', '');
    const word = fc.oneof(
      fc.string({ maxLength: 12 }),
      name,
      name.map((flag) => `--${flag}`),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        try {
          settings(...args);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(LabError);
          expect((thrown as LabError).code).toMatch(/^RL_(INPUT_INVALID|USAGE)$/);
        }
      }),
    );
  });
});

/** As the documents of quic-test have them, without the program's own name. */
const LINES = [
  '--mode=server --addr=:9000',
  '--mode=client --addr=127.0.0.1:9000 --connections=2 --streams=4 --packet-size=1200 --rate=100 --report=report.md --report-format=md --pattern=random',
  '--mode=client --addr=127.0.0.1:9000 --connections=2 --streams=4 --packet-size=1200 --rate=200 --emulate-loss=0.05 --emulate-latency=20ms --emulate-dup=0.01 --report=report.md',
  '--mode=test',
  '--mode=test --sla-rtt-p95=100ms --sla-loss=0.01 --sla-throughput=50 --report=report.json --report-format=json',
  '--mode=test --cc=bbr --enable-0rtt --enable-datagrams --max-streams=100 --keep-alive=30s',
  '--scenario=wifi --report=wifi-test.md',
  '--network-profile=lte --report=lte-test.json --report-format=json',
  '--mode=test --duration=30s',
  '--mode=server --addr=:9000 --prometheus-port 9090',
  '--mode=client --server=demo.quic.tech:4433 --duration=30s',
  '--mode=client --compare-tcp --duration=60s',
  '--mode=client --congestion=bbrv3 --duration=60s',
  '--mode=client --fec=true --fec-redundancy=0.1',
  '--mode=server --cert=server.crt --key=server.key',
  '--mode=client --insecure',
];

describe('command lines that quic-test documents', () => {
  it.each(LINES)('%s', (line) => expect(settings(...line.split(' ')).mode).toMatch(/client|server|test/));

  it('mean here what they mean there', () => {
    const client = settings(...LINES[1]!.split(' '));
    expect(client.server).toEqual({ host: '127.0.0.1', port: 9000 });
    expect(client.plan).toMatchObject({ connections: 2, streams: 4, ratePerS: 100, durationS: null });
    expect(settings('--mode=client').server).toEqual({ host: '127.0.0.1', port: 9000 });
    expect(settings('--mode=client', '--addr=:9001').server).toEqual({ host: '127.0.0.1', port: 9001 });
    expect(settings(...LINES[4]!.split(' ')).limits).toEqual({
      rttP95Us: 100e3,
      lossRatio: 0.01,
      goodputBps: 50 * 8e3,
    });
    // What Go's zero values stand for.
    expect(settings('--keep-alive=0', '--max-idle-timeout=0s', '--no-tls=false', '--max-streams=0')).toEqual(
      settings(),
    );
  });
});

describe('durations as Go writes them', () => {
  it.each([
    ['0', 0],
    ['1m30s', 90e6],
    ['1.5h', 5400e6],
    ['300ms', 300e3],
    ['2h45m0.5s', 9900.5e6],
    ['100us', 100],
    ['100µs', 100],
    ['500ns', 0.5],
  ])('%s', (text, us) => expect(parseGoDuration(text, 'duration')).toBeCloseTo(us, 6));

  it.each(['', '30', '-1s', '1 s', 's', '1x', '1s2'])('%s is none', (text) =>
    expect(() => parseGoDuration(text, 'duration')).toThrow(/--duration/),
  );
});

/** A value for each flag that takes one, and what it changes of the settings; those that are delegated change the mode's own. */
const EFFECTS: Readonly<
  Record<string, [args: string[], at: (of: QuicTestSettings) => unknown, value: unknown]>
> = {
  mode: [['--mode=server'], ({ mode }) => mode, 'server'],
  server: [['--mode=client', '--server=[::1]:4433'], ({ server }) => server, { host: '::1', port: 4433 }],
  addr: [['--mode=server', '--addr=:9001'], ({ addr }) => addr, { host: '0.0.0.0', port: 9001 }],
  streams: [['--streams=7'], ({ plan }) => plan.streams, 7],
  connections: [['--connections=7'], ({ plan }) => plan.connections, 7],
  duration: [['--duration=1m30s'], ({ plan }) => plan.durationS, 90],
  'packet-size': [['--packet-size=77'], ({ plan }) => plan.packetBytes, 77],
  rate: [['--rate=7'], ({ plan }) => plan.ratePerS, 7],
  report: [['--report=x.csv'], ({ report }) => report, 'x.csv'],
  'report-format': [['--report-format=csv'], ({ format }) => format, 'csv'],
  cert: [['--cert=c', '--key=k'], ({ cert }) => cert, 'c'],
  key: [['--cert=c', '--key=k'], ({ key }) => key, 'k'],
  pattern: [['--pattern=zeroes'], ({ plan }) => plan.pattern, 'zeroes'],
  'prometheus-port': [
    ['--prometheus-port=9090'],
    ({ metrics }) => metrics.prometheusPort,
    { host: '127.0.0.1', port: 9090 },
  ],
  'prometheus-labels': [
    ['--prometheus-labels=minimal'],
    ({ metrics }) => metrics.prometheusLabels,
    'minimal',
  ],
  'histogram-buckets': [['--histogram-buckets=20'], ({ metrics }) => metrics.histogramBuckets, 20],
  'emulate-loss': [['--emulate-loss=0.19'], ({ emulation }) => emulation?.up.lossRatio.toFixed(3), '0.100'],
  'emulate-latency': [['--emulate-latency=20ms'], ({ emulation }) => emulation?.down.delayMs, 10],
  'emulate-dup': [
    ['--emulate-dup=0.21'],
    ({ emulation }) => emulation?.up.duplicateRatio?.toFixed(3),
    '0.100',
  ],
  congestion: [['--congestion=bbrv2'], ({ controller }) => controller.name, 'bbr2'],
  cc: [['--cc=newreno'], ({ controller }) => controller.name, 'newreno'],
  'bbr-probe-bw': [
    ['--cc=bbr', '--bbr-probe-bw=0.25'],
    ({ controller }) => controller.parameters,
    { ProbeBwUpPacingGain: 1.25, ProbeBwDownPacingGain: 0.9 },
  ],
  'bbr-probe-rtt-interval': [
    ['--cc=bbrv3', '--bbr-probe-rtt-interval=5s'],
    ({ controller }) => controller.parameters,
    { ProbeRTTInterval: 5000 },
  ],
  'sla-rtt-p95': [['--sla-rtt-p95=50ms'], ({ limits }) => limits.rttP95Us, 50_000],
  'sla-loss': [['--sla-loss=0.01'], ({ limits }) => limits.lossRatio, 0.01],
  'sla-throughput': [['--sla-throughput=50'], ({ limits }) => limits.goodputBps, 400e3],
  'sla-errors': [['--sla-errors=3'], ({ limits }) => limits.errors, 3],
  'enable-0rtt': [['--enable-0rtt'], ({ plan }) => plan.earlyData, true],
  'enable-key-update': [['--enable-key-update'], ({ plan }) => plan.updateKeys, true],
  'max-idle-timeout': [['--max-idle-timeout=60s'], ({ connect }) => connect.idleTimeoutMs, 60_000],
  'handshake-timeout': [['--handshake-timeout=3s'], ({ connect }) => connect.timeoutMs, 3000],
  'keep-alive': [['--keep-alive=5s'], ({ connect }) => connect.keepAliveMs, 5000],
  scenario: [['--scenario=sat'], ({ plan, limits }) => [plan.durationS, limits.rttP95Us], [60, 1e6]],
  'network-profile': [['--network-profile=lte'], ({ emulation }) => emulation?.profile, 'lte'],
  'compare-tcp': [
    ['--compare-tcp', '--duration=60s'],
    ({ comparison }) => comparison,
    { pairs: 8, transferMs: 3750 },
  ],
  fec: [['--fec'], ({ fec }) => fec?.scheme, 'rs'],
  'enable-fec': [['--enable-fec'], ({ fec }) => fec?.scheme, 'rs'],
  'fec-redundancy': [['--fec', '--fec-redundancy=.05'], ({ fec }) => [fec?.redundancy, fec?.k], [0.05, 20]],
  'fec-rate': [['--enable-fec', '--fec-rate=0.20'], ({ fec }) => [fec?.redundancy, fec?.k], [0.2, 10]],
  sla: [['--sla=strict', '--fec'], ({ limits }) => [limits.rttP95Us, limits.fecRecovery], [50_000, 0.9]],
  prometheus: [['--prometheus'], ({ metrics }) => metrics.prometheusPort, { host: '127.0.0.1', port: 2112 }],
  insecure: [['--insecure'], ({ insecure }) => insecure, true],
};
/** Refused, and why; or done before settings are read. */
const REFUSED: Readonly<Record<string, string[]>> = {
  'enable-datagrams': ['--enable-datagrams=false'],
  'max-streams': ['--max-streams=3', '--streams=4'],
  'no-tls': ['--no-tls'],
  'max-stream-data': ['--max-stream-data=1000000'],
  'max-incoming-streams': ['--max-incoming-streams=100'],
  'max-incoming-uni-streams': ['--max-incoming-uni-streams=100'],
  'quic-bottom': ['--quic-bottom'],
  pqc: ['--pqc'],
  'pqc-algorithm': ['--pqc-algorithm=ml-kem-768'],
};
const SHOWN = ['list-scenarios', 'list-profiles', 'version', 'help'];

describe('every flag of quic-test', () => {
  it('has an effect, or is refused and says why', () => {
    for (const { name } of FLAGS) {
      const effect = EFFECTS[name];
      if (effect !== undefined) {
        const [args, at, value] = effect;
        expect(at(settings(...args)), name).toEqual(value);
        expect(at(settings('--mode=test')), name).not.toEqual(value);
      } else if (REFUSED[name] !== undefined) expect(refusal(...REFUSED[name]).field).toBe(`--${name}`);
      else expect(SHOWN).toContain(name);
    }
  });

  it('is in the table of docs/quic-test.md', () => {
    const doc = readFileSync(new URL('../../../docs/quic-test.md', import.meta.url), 'utf8');
    for (const { name } of FLAGS) expect(doc).toContain(`| \`--${name}`);
  });

  it('is refused where it means nothing', () => {
    expect(refusal('--mode=test', '--server=a:1').message).toBe('--server: means nothing in mode test');
    expect(refusal('--mode=server', '--rate=1').field).toBe('--rate');
    expect(refusal('--cert=c').field).toBe('--key');
  });

  it('does not contradict another', () => {
    expect(refusal('--scenario=lte', '--emulate-loss=0.01').field).toBe('--emulate-loss');
    expect(refusal('--scenario=lte', '--network-profile=lte').field).toBe('--network-profile');
    expect(refusal('--fec-redundancy=.1').field).toBe('--fec-redundancy');
    expect(refusal('--cc=bbr', '--congestion=cubic').field).toBe('--cc');
    expect(refusal('--fec', '--fec-rate=.1', '--fec-redundancy=.2').field).toBe('--fec-rate');
    expect(refusal('--mode=client', '--server=a:1', '--addr=a:2').field).toBe('--addr');
    expect(refusal('--compare-tcp', '--rate=2').field).toBe('--rate');
    expect(refusal('--compare-tcp', '--streams=2').message).toContain('one stream of one connection');
    expect(refusal('--compare-tcp', '--sla-loss=1%').message).toContain('no loss');
    expect(refusal('--bbr-probe-bw=0.2').message).toContain('BBR');
  });

  it('gives standard output one format', () => {
    expect(() => new Outlet({ report: null, format: 'csv' }, true)).toThrow(/--json does not go with/);
    expect(() => new Outlet({ report: null, format: 'json' }, true)).not.toThrow();
    expect(() => new Outlet({ report: null, format: 'csv' }, false)).not.toThrow();
  });

  it('is held to its range', () => {
    expect(refusal('--rate=0').field).toBe('--rate');
    expect(refusal('--connections=1000').field).toBe('--connections');
    expect(refusal('--emulate-loss=1').field).toBe('--emulate-loss');
    expect(refusal('--sla-loss=').field).toBe('--sla-loss');
    expect(refusal('--duration=-1s').field).toBe('--duration');
    expect(refusal('--scenario=moon').field).toBe('--scenario');
    expect(refusal('--fec', '--rate=6000').message).toBe(
      '--rate: 6000 is not from 1 to 5000, as --fec needs it',
    );
    expect(refusal('--fec', '--rate=1', '--fec-redundancy=.05').message).toContain('longer than 10 s');
    expect(refusal('--fec', '--fec-redundancy=.04').field).toBe('--fec-redundancy');
  });
});
