/** What the parts of `bench quic` share: its options and sizes, the ends it starts, and what each row has to reach. */
import type { Progress } from '../output.ts';
import { Endpoint, type Identity } from './endpoint.ts';
import type { QuicMethods } from './stacks/quic.ts';

export interface QuicBenchOptions {
  durationMs: number;
  /** Turns, whose median counts. */
  repeat: number;
  /** Handshakes, pings, idle connections and seconds enough to see that all works. */
  quick: boolean;
  /** Folder for processor profiles of a download's two ends. */
  profile: string | null;
}

/** docs/measurements.md tells what this machine reaches. */
export const REACH = {
  goodput: { min: 0.85 },
  peer: { min: 1 },
  mtu: { min: 4 },
  ping: { max: 3 },
  handshakeMs: { max: 2 },
  connect: { max: 1 },
  idleKb: { max: 64 },
  probesPercent: { max: 25 },
} as const;

interface Size {
  /** Of a stream of datagrams: longer gains nothing. */
  bytes: number;
  pings: number;
  handshakes: number;
  peerHandshakes: number;
  idle: number;
  /** Of them, those opened before memory is first looked at. */
  idleBefore: number;
  routes: number;
  /** Until monitors no longer connect, and their code is compiled. */
  settleMs: number;
  probeMs: number;
}
export const SIZES: Record<'full' | 'quick', Size> = {
  full: {
    bytes: 100e6,
    pings: 1500,
    handshakes: 200,
    peerHandshakes: 50,
    idle: 1000,
    idleBefore: 100,
    routes: 100,
    settleMs: 5000,
    probeMs: 10_000,
  },
  quick: {
    bytes: 10e6,
    pings: 50,
    handshakes: 20,
    peerHandshakes: 5,
    idle: 50,
    idleBefore: 10,
    routes: 20,
    settleMs: 1000,
    probeMs: 1000,
  },
};
/** As rows name them. */
export const PEER = { binding: 'quiche binding over dgram', api: '@matrixai/quic' } as const;
/** Until many connections have said all they have to say. */
export const SETTLE_MS = 1500;

export type Quic = Endpoint<QuicMethods>;

/** Processes started, to be ended whatever happens. */
export class Endpoints {
  readonly #started: Endpoint[] = [];

  async start<M>(stack: string, flags: readonly string[] = []): Promise<Endpoint<M>> {
    const endpoint = await Endpoint.start<M>(stack, flags);
    this.#started.push(endpoint);
    return endpoint;
  }

  stop(): void {
    for (const endpoint of this.#started.splice(0)) endpoint.stop();
  }
}

export interface Bench {
  endpoints: Endpoints;
  identity: Identity & { ca: string };
  options: QuicBenchOptions;
  size: Size;
  bar: Progress;
  step: (now: string) => void;
}

export const peersInstalled = (): Promise<boolean> =>
  import('@matrixai/quic').then(
    () => true,
    () => false,
  );

/** A server and a client of our own. */
export async function pair(bench: Bench): Promise<{ near: Quic; far: Quic; port: number; large: number }> {
  const { endpoints, identity } = bench;
  const far: Quic = await endpoints.start('quic');
  const near: Quic = await endpoints.start('quic');
  const { port } = await far.listen({ ...identity, discover: false });
  const { port: large } = await far.listen({ ...identity, discover: true });
  return { near, far, port, large };
}
