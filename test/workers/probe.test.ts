import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import type {
  EndpointWorkerMethods,
  MonitorEvent,
  MonitorTarget,
  ProbeWorkerMethods,
  WorkerMessage,
} from '../../src/main/workers/protocol.ts';

const workers: Worker[] = [];
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.terminate())));

/** A worker, its requests and the events it sends. */
function startWorker<M>(file: string) {
  const worker = new Worker(new URL(`../../src/main/workers/${file}`, import.meta.url));
  workers.push(worker);
  const events: MonitorEvent[] = [];
  const waiting = new Set<() => void>();
  const answers = new Map<number, (message: Exclude<WorkerMessage, { event: unknown }>) => void>();
  worker.on('message', (message: WorkerMessage) => {
    if ('event' in message) {
      events.push(message.event as MonitorEvent);
      for (const look of [...waiting]) look();
    } else answers.get(message.id)?.(message);
  });
  let requests = 0;
  const call = <K extends keyof M>(
    method: K,
    params: M[K] extends (params: infer P) => unknown ? P : never,
  ): Promise<M[K] extends (params: never) => infer R ? R : never> =>
    new Promise((resolve, reject) => {
      const id = ++requests;
      answers.set(id, (message) =>
        'error' in message ? reject(message.error) : resolve(message.result as never),
      );
      worker.postMessage({ id, method, params });
    });
  /** Resolves once the events so far satisfy `check`. */
  const until = (check: (events: readonly MonitorEvent[]) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!check(events)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { call, events, until };
}

async function startEndpoint() {
  const authority = await createAuthority(Date.now());
  const { certPem, keyPem } = await issueCertificate(authority, {
    names: ['localhost'],
    days: 1,
    nowMs: Date.now(),
  });
  const endpoint = startWorker<EndpointWorkerMethods>('endpoint.ts');
  const listen = { host: '127.0.0.1', port: 0, certificate: certPem, privateKey: keyPem };
  const address = await endpoint.call('listen', listen);
  const target: MonitorTarget = {
    routeId: 'loopback',
    ...address,
    serverName: 'localhost',
    controller: 'cubic',
    parameters: {},
    pingRate: 100,
    transferEveryS: null,
    transferBytes: 500_000,
    trust: { ca: [authority.certPem], system: false, insecure: false },
  };
  return { endpoint, listen, address, target };
}

const states = (events: readonly MonitorEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'state' ? event.state + (event.error?.code ?? '') : []));
const batches = (events: readonly MonitorEvent[]) => events.filter((event) => event.type === 'samples');
const pings = (events: readonly MonitorEvent[]) => batches(events).flatMap((batch) => batch.pings);

describe('a probe worker and an endpoint worker', () => {
  it('measure a route: state, pings, handshake, transport', async () => {
    const { target } = await startEndpoint();
    const probe = startWorker<ProbeWorkerMethods>('probe.ts');
    await probe.call('start', target);
    await probe.until((events) => pings(events).length >= 50);
    await probe.call('stop', { routeId: target.routeId });
    expect(states(probe.events)).toEqual(['connecting', 'up']);
    expect(batches(probe.events).flatMap((batch) => batch.handshakes)).toEqual([
      { atMs: expect.any(Number), durationUs: expect.any(Number), errorCode: null, purpose: 'ping' },
    ]);
    expect(batches(probe.events).find((batch) => batch.transport)?.transport).toMatchObject({
      controller: 'cubic',
      packetsSent: expect.any(Number),
    });
    const count = probe.events.length;
    await probe.call('start', { ...target, routeId: 'other' });
    await probe.until((events) => pings(events.slice(count)).length > 0);
    expect(new Set(probe.events.slice(count).map((event) => event.routeId))).toEqual(new Set(['other']));
  });

  it('transfer both ways on a second connection, and mark the pings sent meanwhile', async () => {
    const { target } = await startEndpoint();
    const probe = startWorker<ProbeWorkerMethods>('probe.ts');
    await probe.call('start', { ...target, transferEveryS: 2, transferBytes: 20_000_000 });
    const transfers = (events: readonly MonitorEvent[]) =>
      batches(events).flatMap((batch) => batch.transfers);
    await probe.until((events) => new Set(transfers(events).map(({ direction }) => direction)).size === 2);
    await probe.until((events) => pings(events).some((ping) => ping.loaded));
    for (const direction of ['down', 'up'] as const)
      await probe.until((events) =>
        batches(events).some(({ payloadBps }) => (payloadBps?.[direction] ?? 0) > 0),
      );
    await probe.call('stop', { routeId: target.routeId });
    for (const transfer of transfers(probe.events)) {
      expect(transfer.bytes).toBeGreaterThan(0);
      expect(transfer.bytes).toBeLessThanOrEqual(20_000_000);
      expect(transfer.durationUs).toBeGreaterThan(0);
    }
    expect(pings(probe.events).some((ping) => !ping.loaded)).toBe(true);
  });

  it('say when the server goes and when it is back', async () => {
    const { endpoint, listen, address, target } = await startEndpoint();
    const probe = startWorker<ProbeWorkerMethods>('probe.ts');
    await probe.call('start', target);
    await probe.until((events) => states(events).includes('up'));
    await endpoint.call('close', null);
    await probe.until((events) => states(events).some((state) => state.startsWith('down')));
    await endpoint.call('listen', { ...listen, port: address.port });
    await probe.until((events) => states(events).at(-1) === 'up');
    expect(states(probe.events).slice(0, 3)).toEqual(['connecting', 'up', 'downRL_PEER_CLOSED']);
    await probe.call('stop', { routeId: target.routeId });
  });

  it('refuse a certificate that is not trusted, as an error of the route', async () => {
    const { target } = await startEndpoint();
    const probe = startWorker<ProbeWorkerMethods>('probe.ts');
    await probe.call('start', { ...target, trust: { ...target.trust, ca: [] } });
    await probe.until((events) => states(events).includes('downRL_CERT_UNTRUSTED'));
    await probe.call('stop', { routeId: target.routeId });
  });

  it('start one monitor for a route that is started twice', async () => {
    const { target } = await startEndpoint();
    const probe = startWorker<ProbeWorkerMethods>('probe.ts');
    await Promise.all([probe.call('start', target), probe.call('start', { ...target, pingRate: 50 })]);
    await probe.until((events) => pings(events).length > 10);
    await probe.call('stop', { routeId: target.routeId });
    const count = probe.events.length;
    // Every further event would be of a monitor that nobody can stop.
    await probe.call('start', { ...target, routeId: 'other' });
    await probe.until((events) => pings(events.slice(count)).length > 20);
    expect(probe.events.slice(count).some((event) => event.routeId === target.routeId)).toBe(false);
  });

  it('say that a port is in use, and listen once', async () => {
    const { endpoint, listen, address } = await startEndpoint();
    const second = startWorker<EndpointWorkerMethods>('endpoint.ts');
    await expect(second.call('listen', { ...listen, port: address.port })).rejects.toMatchObject({
      code: 'RL_PORT_IN_USE',
    });
    await expect(endpoint.call('listen', listen)).rejects.toMatchObject({ code: 'RL_CONFLICT' });
  });
});
