import { expect, test } from 'vitest';
import { OwnServers } from '../../src/main/lab/own-servers.ts';
import { createExporter } from '../../src/main/telemetry/exporter.ts';
import { openLab, ownRoute, until } from './open-lab.ts';

const counters = (packetsSent: number) => ({
  packetsSent,
  packetsReceived: 0,
  packetsLost: 0,
  bytesSent: 0,
  bytesReceived: 0,
  streamsOpened: 1,
});

test('counts of all servers add up, and never fall when one begins again', async () => {
  for (const labels of ['full', 'minimal'] as const) {
    const exporter = createExporter({ labels });
    const servers = new OwnServers(exporter.totals('server'));
    exporter.add(servers);
    servers.receive('demo', { counters: counters(10), handshakesUs: [5000] });
    servers.receive('runs', { counters: counters(100), handshakesUs: [5000, 6000] });
    servers.receive('demo', { counters: counters(4), handshakesUs: [] });
    const text = (await exporter.render()).body.toString();
    expect(text).toContain('quic_packets_sent_total{role="server"} 114\n');
    expect(text).toContain('quic_streams_total{role="server"} 3\n');
    expect(text).toContain('quic_connections_total{role="server"} 3\n');
  }
});

test('a lab exports the far end of what it measures with a server of its own', async () => {
  const lab = await openLab();
  const { id } = await ownRoute(lab, { transferEveryS: null });
  await until(lab, (all) => (all.find(({ routeId }) => routeId === id)?.ping?.received ?? 0) > 3);
  const value = async (series: string) => {
    const lines = (await lab.renderMetrics(undefined)).body.toString().split('\n');
    return Number(lines.find((line) => line.startsWith(`${series} `))?.split(' ')[1]);
  };
  await expect
    .poll(() => value('quic_packets_received_total{role="server"}'), { timeout: 20_000 })
    .toBeGreaterThan(3);
  expect(await value('quic_connections_total{role="server"}')).toBeGreaterThanOrEqual(1);
});
