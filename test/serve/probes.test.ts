/** Probe runs over each carrier. */
import { describe, expect, test } from 'vitest';
import { ProbeRun, ProbeSeries, type ProbeUpdate } from '../../src/shared/probes.ts';
import { openHost, overMessagePort, overWebSocket, rest } from './open-host.ts';

const link = { rateBps: 2e7, delayMs: 5, jitterMs: 0, lossRatio: 0, bufferBytes: null };
const target = {
  kind: 'emulated',
  emulation: { profile: 'p', up: link, down: link, flap: null },
} as const;
const QLOG =
  '\x1e{"qlog_version":"0.3","title":"t","trace":{"vantage_point":{"type":"client"}}}\n' +
  '\x1e{"time":1,"name":"recovery:metrics_updated","data":{"congestion_window":5000}}\n';

describe('a probe run', () => {
  test('is started, watched, read and removed over REST', async () => {
    const host = await openHost();
    const started = await rest(host, 'POST', '/probes', { target, mode: 'upload', bytes: 50_000 });
    expect(started.status).toBe(201);
    const { id } = ProbeRun.parse(started.body);
    const events = await (await fetch(`${host.url}/api/v1/probes/${id}/watch`)).text();
    const updates = [...events.matchAll(/^event: message\ndata: (.*)$/gm)].map(
      ([, data]) => JSON.parse(data!) as ProbeUpdate,
    );
    expect(updates.at(-1)!.run).toMatchObject({ id, state: 'done' });
    expect(await rest(host, 'GET', `/probes/${id}`)).toEqual({ status: 200, body: updates.at(-1)!.run });
    const series = await rest(host, 'GET', `/probes/${id}/series?points=10&vantage=client`);
    expect(ProbeSeries.parse(series.body).series.tUs.length).toBeLessThanOrEqual(10);
    expect(await rest(host, 'GET', `/probes/${id}/series?points=1`)).toMatchObject({
      status: 422,
      body: { field: 'points' },
    });
    expect(await rest(host, 'DELETE', `/probes/${id}`)).toMatchObject({ status: 200 });
    expect(await rest(host, 'GET', `/probes/${id}`)).toMatchObject({ status: 404 });
    expect(await rest(host, 'POST', `/probes/${id}/restore`)).toMatchObject({ status: 200, body: { id } });
  });

  test('is the same over WebSocket and MessagePort', async () => {
    const host = await openHost();
    const { client } = await overWebSocket(host);
    const { id } = await client.probes.start({ target, mode: 'ping', durationS: 1 });
    const port = overMessagePort(host);
    const states: string[] = [];
    for await (const { run } of await port.probes.watch({ id })) states.push(run.state);
    expect(states.at(-1)).toBe('done');
    expect(await port.probes.list()).toEqual(await client.probes.list());
  });

  test('is cancelled by one client while another watches', async () => {
    const host = await openHost();
    const { client } = await overWebSocket(host);
    const { id } = await client.probes.start({ target, mode: 'download', durationS: 600 });
    let last: ProbeUpdate | null = null;
    for await (const update of await client.probes.watch({ id })) {
      last = update;
      if (update.run.state === 'running') void overMessagePort(host).probes.cancel({ id });
    }
    expect(last!.run.state).toBe('cancelled');
  });

  test('of a qlog file is made over REST, and refused with the reason', async () => {
    const host = await openHost();
    const made = await rest(host, 'POST', '/probes/import', { name: 'x.sqlog', text: QLOG });
    expect(made).toMatchObject({ status: 201, body: { imported: true, state: 'done' } });
    const refused = await rest(host, 'POST', '/probes/import', { name: 'x', text: '{}' });
    expect(refused).toMatchObject({ status: 422, body: { code: 'RL_INPUT_INVALID', field: 'text' } });
  });
});
