import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';
import { make } from '../quic/tls/certificates.ts';
import { type Running, run, start, startServer } from './run.ts';

const quicTest = (args: readonly string[], home = temporaryDir()) =>
  run(['quic-test', ...args], { XDG_DATA_HOME: home });

/** Of a report: its first table, by the first column. */
const rowsOf = ({ tables }: { tables: { rows: [string, ...unknown[]][] }[] }): Map<string, unknown> =>
  new Map(tables[0]!.rows.map(([name, value]) => [name, value]));

function ended<R extends Running>(running: R): R {
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return running;
}

describe('routelab quic-test', () => {
  it('tests a server of its own, with a pair that nobody vouches for, over an emulated path, and judges', async () => {
    const dir = temporaryDir();
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
    const dayMs = 86_400_000;
    const own = make({
      subject: 'a pair',
      names: ['*.pair.example'],
      from: new Date(Date.now() - dayMs).toISOString(),
      to: new Date(Date.now() + dayMs).toISOString(),
    });
    writeFileSync(cert, own.pem);
    writeFileSync(key, own.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const { code, stdout, stderr } = await quicTest([
      `--cert=${cert}`,
      `--key=${key}`,
      '-duration=1s',
      '--streams=2',
      '-emulate-latency',
      '20ms',
      '--sla-rtt-p95=1ms',
      '--sla-errors=0',
      '--report-format=json',
    ]);
    expect(stderr).toContain('missed RTT p95: at most 1 ms, measured');
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.gates.map(({ passed }: { passed: boolean }) => passed)).toEqual([false, true]);
    const rows = rowsOf(report);
    expect(rows.get('RTT min')).toBeGreaterThanOrEqual(20);
    expect(rows.get('Goodput')).toBeGreaterThan(0);
  });

  it('is client and server of each other', async () => {
    const home = temporaryDir();
    const server = start(['quic-test', '--mode=server', '--addr=127.0.0.1:0', '--duration=60s', '--json'], {
      XDG_DATA_HOME: home,
    });
    const [, port] = await server.line(/^listening on .*:(\d+) \(UDP\)/);
    const { code, stdout } = await quicTest(
      ['--mode=client', `--server=127.0.0.1:${port}`, '--duration=1s', '--cc=bbrv3'],
      home,
    );
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/Errors\s+0/) });
    server.child.kill('SIGINT');
    expect(JSON.parse((await server.finished).stdout)).toMatchObject({ sessions: 2 });
  });

  it('lists, and refuses what is faster than this machine, with what it measured', async () => {
    expect((await quicTest(['--list-scenarios'])).stdout).toContain('loss-burst');
    const { profiles } = JSON.parse((await quicTest(['--list-profiles', '--json'])).stdout);
    expect(profiles).toContainEqual(expect.objectContaining({ name: 'mobile-3g' }));
    const { code, stderr } = await quicTest(['--network-profile=datacenter']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /80000 Mbit\/s is more than a relay on this machine carries: \d+ Mbit\/s, measured/,
    );
  });

  it('protects packets until it is stopped, exports all of it, and writes a file in a format of its own', async () => {
    const dir = temporaryDir();
    const file = join(dir, 'report.md');
    const test = ended(
      start(
        [
          ...['quic-test', '--fec', '--fec-redundancy=0.05', '--network-profile=lte', '--enable-0rtt'],
          ...['--prometheus-port=0', '--sla=lenient', `--report=${file}`, '--json'],
        ],
        { XDG_DATA_HOME: dir },
      ),
    );
    const [url] = await test.line(/http:\/\/127\.0\.0\.1:\d+\/metrics/);
    const scrape = async (): Promise<string> => (await fetch(url)).text();
    const patiently = { timeout: 25_000, interval: 200 };
    await expect
      .poll(scrape, patiently)
      .toMatch(/^quic_throughput_bytes_per_second\{.*direction="up"\} [1-9]/m);
    // Of each lost packet it is known within seconds; of about one in forty each way.
    await expect.poll(scrape, patiently).toMatch(/^quic_fec_(un)?recover\w+_packets_total\{.*\} [1-9]/m);
    const metrics = await scrape();
    // 1 for 20, of a last group that is not full yet.
    expect(metrics).toMatch(/^quic_fec_redundancy_ratio\{.*\} 0\.0[345]/m);
    expect(metrics).toMatch(/^quic_packet_loss_ratio\{/m);
    expect(metrics).toMatch(/^quic_rtt_seconds\{.*quantile="0.5"\} 0\.0/m);
    // Pings, the load with the session it resumes, and FEC.
    expect(metrics).toMatch(/^quic_connections_total\{.*role="client"\} 4$/m);
    test.child.kill('SIGINT');
    const { stdout } = await test.finished;
    const report = JSON.parse(stdout);
    const rows = rowsOf(report);
    expect(rows.get('Early data accepted')).toBe(1);
    expect(rows.get('FEC packets sent')).toBeGreaterThan(20);
    const gates = report.gates.map(({ metric }: { metric: string }) => metric);
    expect(gates).toEqual(expect.arrayContaining(['goodput_up', 'fec_redundancy', 'fec_recovery']));
    expect(readFileSync(file, 'utf8')).toMatch(/^# quic-test of [\s\S]*\| FEC recovery/);
  });

  it('runs a scenario with its limits as gates, into a file', async () => {
    const file = join(temporaryDir(), 'report.json');
    const { stdout, stderr } = await quicTest([
      ...['--scenario=wifi', '--duration=1s', '--connections=1'],
      ...[`--report=${file}`, '--report-format=json'],
    ]);
    expect(stderr).toContain(`The report is in ${file}`);
    const report = JSON.parse(readFileSync(file, 'utf8'));
    expect(report.gates.map(({ metric }: { metric: string }) => metric)).toEqual([
      'rtt_p95',
      'loss_ratio',
      'goodput_up',
      'errors',
    ]);
    expect(rowsOf(report).get('RTT min')).toBeGreaterThanOrEqual(10);
    expect(stdout).toMatch(/^Goodput +[\d.]+ Mbit\/s$/m);
  });

  it('compares with TCP over a path of its own, however small its losses, and judges QUIC', async () => {
    const { code, stdout, stderr } = await quicTest([
      ...['--compare-tcp', '--duration=3s', '--emulate-loss=0.0000005', '--emulate-latency=4ms'],
      ...['--sla-throughput=100gbit', '--sla-errors=0', '--json'],
    ]);
    expect(stderr).toContain('missed Goodput: at least 100000 Mbit/s, measured');
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.gates.map(({ passed }: { passed: boolean }) => passed)).toEqual([false, true]);
    expect([...rowsOf(report).keys()]).toEqual(expect.arrayContaining(['Goodput', 'Handshake']));
    expect(report.tables[1].rows).toHaveLength(1);
  });

  it('compares with TCP of a server, and writes the report', async () => {
    const home = temporaryDir();
    const server = ended(await startServer(['--tcp'], join(home, 'routelab')));
    const file = join(home, 'report.csv');
    const { code, stdout } = await quicTest(
      [
        ...['--mode=client', `--addr=127.0.0.1:${server.port}`, '--compare-tcp', '--duration=1s'],
        ...['--insecure', `--report=${file}`, '--report-format=csv'],
      ],
      home,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Goodput +[\d.]+ +[\d.]+ Mbit\/s/m);
    expect(stdout).toContain('Certificate: not checked');
    expect(readFileSync(file, 'utf8')).toMatch(/^comparison,Goodput,/m);
  });

  it('tells what was measured where the server goes away, and then why it ended', async () => {
    const home = temporaryDir();
    const file = join(home, 'report.md');
    const server = ended(
      start(['quic-test', '--mode=server', '--addr=127.0.0.1:0', '--json'], { XDG_DATA_HOME: home }),
    );
    const [, port] = await server.line(/^listening on .*:(\d+) \(UDP\)/);
    const client = ended(
      start(
        [
          ...['quic-test', '--mode=client', `--addr=127.0.0.1:${port}`, '--fec', '--max-idle-timeout=1s'],
          ...['--prometheus-port=0', `--report=${file}`, '--json'],
        ],
        { XDG_DATA_HOME: home },
      ),
    );
    const [url] = await client.line(/http:\/\/127\.0\.0\.1:\d+\/metrics/);
    const scrape = async (): Promise<string> => (await fetch(url)).text();
    await expect.poll(scrape, { timeout: 25_000, interval: 100 }).toMatch(/^quic_fec_redundancy_ratio\{/m);
    expect(existsSync(file)).toBe(false);
    server.child.kill('SIGKILL');
    const { code, stdout, stderr } = await client.finished;
    expect(code).toBe(3);
    expect(stderr).toContain('RL_CONNECTION_LOST');
    const { facts } = JSON.parse(stdout);
    expect(facts).toContainEqual(['Error', expect.stringContaining('RL_CONNECTION_LOST')]);
    expect(readFileSync(file, 'utf8')).toContain('FEC packets sent');
  });
});
