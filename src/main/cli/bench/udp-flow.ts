/** Datagrams at an even pace over any path, timed by the kernel at its end (resources/bench/udp-flow.c). */
import { setTimeout as sleep } from 'node:timers/promises';
import { build, type Child } from './native.ts';

export interface UdpFigures {
  sent: number;
  received: number;
  /** Of IP packets that arrived. */
  rateBps: number;
  /** One way. Absent where nothing arrived. */
  delayUs?: { min: number; p50: number; p99: number; max: number };
}

export interface UdpLoad {
  /** Of IP packets sent. */
  rateBps: number;
  /** UDP payload of each. */
  bytes: number;
  /** Datagrams sent first, which do not count. */
  warmup: number;
  durationS: number;
  /** Until the last one has arrived. */
  drainMs: number;
}

interface UdpEnds {
  /** How a program is started at either end. */
  near(command: string, args: readonly string[]): Child;
  far(command: string, args: readonly string[]): Child;
  /** Where the far end listens, and where datagrams have to be sent to reach `port` there. */
  listen: string;
  via(port: number): Promise<{ host: string; port: number }>;
}

export async function udpFlow(ends: UdpEnds, load: UdpLoad): Promise<UdpFigures> {
  const program = build('udp-flow.c', 'cc');
  const longestS = load.durationS + load.drainMs / 1000 + 60;
  const receiver = ends.far(program, ['receive', ends.listen, '0', String(longestS)]);
  try {
    const to = await ends.via(Number((await receiver.ready()).split(' ')[1]));
    const { rateBps, bytes, warmup, durationS } = load;
    const args = ['send', to.host, to.port, rateBps, bytes, warmup, durationS].map(String);
    const { sent } = JSON.parse(await ends.near(program, args).finish()) as { sent: number };
    await sleep(load.drainMs);
    const said = await receiver.end();
    return { sent, ...(JSON.parse(said.slice(said.indexOf('\n'))) as Omit<UdpFigures, 'sent'>) };
  } catch (error) {
    await receiver.end().catch(() => {});
    throw error;
  }
}
