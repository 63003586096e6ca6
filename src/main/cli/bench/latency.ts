/** Round trips and handshakes of `bench quic`. */
import { type Bench, PEER, pair, peersInstalled, REACH } from './context.ts';
import type { ConnectMethods } from './endpoint.ts';
import { against, figure, median, missing, type Row } from './rows.ts';
import type { DgramMethods } from './stacks/dgram.ts';

const PINGS_PER_S = 500;

export async function latency(bench: Bench): Promise<Row[]> {
  const { endpoints, identity, size, step } = bench;
  const { near, port } = await pair(bench);
  const target = { port, ca: identity.ca };
  const rawFar = await endpoints.start<DgramMethods>('dgram');
  const rawNear = await endpoints.start<DgramMethods>('dgram');
  const { port: rawPort } = await rawFar.listen({ ...identity, discover: false });
  const rawPings = () =>
    rawNear.ask('pingPong', { port: rawPort, count: size.pings, everyMs: 1000 / PINGS_PER_S });
  const pings = () => near.ask('pings', { ...target, count: size.pings, ratePerS: PINGS_PER_S });
  // As of every measurement: what runs for the first time is not counted.
  await rawPings();
  await pings();
  const raw = median(await rawPings());
  const ping = median(await pings());
  step('pings');
  await near.ask('handshakes', { ...target, count: size.handshakes });
  const handshake = median(await near.ask('handshakes', { ...target, count: size.handshakes })) / 1000;
  step('handshakes');
  const own = await near.ask('connect', { ...target, count: size.peerHandshakes });
  const peer = (await peersInstalled()) ? await peerConnects(bench, size.peerHandshakes) : null;
  step('handshakes of @matrixai/quic');
  const ownMs = median(own) / 1000;
  endpoints.stop();
  return [
    figure('raw dgram ping-pong p50', raw, 'µs'),
    against('ping p50', ping, 'µs', 'raw dgram ping-pong p50', ping / raw, REACH.ping),
    figure(`handshake p50 of ${size.handshakes}`, handshake, 'ms', REACH.handshakeMs),
    peer === null
      ? missing(`connect p50 against ${PEER.api}`, 'ms', 'not installed', REACH.connect)
      : against('connect p50', ownMs, 'ms', `${PEER.api} (${peer.toFixed(1)})`, ownMs / peer, REACH.connect),
  ];
}

/** Median milliseconds that a connection of `@matrixai/quic` takes. */
async function peerConnects({ endpoints, identity }: Bench, count: number): Promise<number> {
  const far = await endpoints.start('matrixai');
  const near = await endpoints.start<ConnectMethods>('matrixai');
  const { port } = await far.listen({ ...identity, discover: false });
  const target = { port, ca: identity.ca };
  await near.ask('connect', { ...target, count });
  return median(await near.ask('connect', { ...target, count })) / 1000;
}
