import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';
import { run, start } from './run.ts';

const quicTest = (args: readonly string[], home = temporaryDir()) =>
  run(['quic-test', ...args], { XDG_DATA_HOME: home });

describe('routelab quic-test', () => {
  it('tests a server of its own, over an emulated path, and judges', async () => {
    const { code, stdout, stderr } = await quicTest([
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
    const { gates, tables } = JSON.parse(stdout);
    expect(gates.map(({ passed }: { passed: boolean }) => passed)).toEqual([false, true]);
    const rows = new Map<string, number>(tables[0].rows);
    expect(rows.get('RTT min')).toBeGreaterThanOrEqual(20);
    expect(rows.get('Goodput')).toBeGreaterThan(0);
  });

  it('is client and server of each other', async () => {
    const home = temporaryDir();
    const server = start(['quic-test', '--mode=server', '--addr=127.0.0.1:0', '--duration=60s'], {
      XDG_DATA_HOME: home,
    });
    const [, port] = await server.line(/^listening on .*:(\d+) \(UDP\)/);
    const { code, stdout } = await quicTest(
      ['--mode=client', `--server=127.0.0.1:${port}`, '--duration=1s', '--cc=bbrv3'],
      home,
    );
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/Errors\s+0/) });
    server.child.kill('SIGINT');
    expect((await server.finished).stdout).toMatch(/sessions\s+2/);
  });

  it('lists, and refuses what is faster than this machine, with what it measured', async () => {
    expect((await quicTest(['--list-scenarios'])).stdout).toContain('loss-burst');
    expect((await quicTest(['--list-profiles'])).stdout).toContain('mobile-3g');
    const { code, stderr } = await quicTest(['--network-profile=datacenter']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /80000 Mbit\/s is more than a relay on this machine carries: \d+ Mbit\/s, measured/,
    );
  });
});
