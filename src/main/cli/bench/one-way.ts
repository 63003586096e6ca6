/**
 * One-way delay, loss and rate of any UDP path, datagram by datagram: one socket sends numbered ones at fixed moments,
 * another hears them. The clock is the machine's, so the two may be in different processes, or network namespaces.
 */
import type { Socket } from 'node:dgram';

/** Microseconds of the machine's monotonic clock, the same in every process. */
const machineUs = (): number => Number(process.hrtime.bigint()) / 1e3;

/** What is sent: `packets` datagrams of `bytes` (at least 4) to each of the `sockets`, which are connected, in turn. */
export interface Load {
  packets: number;
  bytes: number;
  /** Between two datagrams of a socket; those of different sockets lie evenly in between. */
  everyUs: number;
}

/** A turn that takes longer was held up: other work had the processor. */
const STALL_US = 250;
let turnedAtUs = Number.NEGATIVE_INFINITY;

/** Turns of the event loop until `isDone`: sockets are polled each time, as no timer and no idle processor allows. */
function spin(turn: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const next = (): void => {
      turnedAtUs = machineUs();
      if (turn()) resolve();
      else setImmediate(next);
    };
    next();
  });
}

/** What was sent through one socket: when, and the numbers of those whose moment is not known for sure. */
export interface Sent {
  sentUs: number[];
  unsure: Set<number>;
}

/** Sends the load; resolves when all is sent. What is late is made up for at no more than twice the pace: a burst would be another load. */
export async function sendPaced(
  sockets: readonly Socket[],
  { packets, bytes, everyUs }: Load,
): Promise<Sent[]> {
  const sent = sockets.map((): Sent => ({ sentUs: [], unsure: new Set() }));
  const startUs = machineUs() + everyUs;
  const total = packets * sockets.length;
  const stepUs = everyUs / sockets.length;
  let n = 0;
  let dueUs = startUs;
  await spin(() => {
    // A few at a time, that what is heard in the same process need not wait.
    for (let few = 0; few < 16 && n < total && dueUs <= machineUs(); few++, n++) {
      const which = n % sockets.length;
      const number = Math.floor(n / sockets.length);
      // Its own each time: a datagram may wait in the socket.
      const data = Buffer.alloc(bytes);
      data.writeUInt32BE(number);
      const atUs = machineUs();
      sockets[which]!.send(data);
      if (machineUs() - atUs > STALL_US) sent[which]!.unsure.add(number);
      sent[which]!.sentUs.push(atUs);
      dueUs = Math.max(startUs + (n + 1) * stepUs, atUs + stepUs / 2);
    }
    return n === total;
  });
  return sent;
}

/** What a socket has heard of a load: when each datagram came first, NaN for those that have not; and copies. */
export class Hearing {
  readonly arrivedUs: number[];
  /** Numbers of those whose moment is not known: this process did not run when they came. */
  readonly unsure = new Set<number>();
  copies = 0;
  heard = 0;
  #newestUs = machineUs();
  readonly #socket: Socket;

  constructor(socket: Socket, packets: number) {
    this.arrivedUs = new Array<number>(packets).fill(Number.NaN);
    this.#socket = socket;
    socket.on('message', this.#onMessage);
  }

  readonly #onMessage = (data: Buffer): void => {
    const atUs = machineUs();
    const number = data.length < 4 ? -1 : data.readUInt32BE();
    const before = this.arrivedUs[number];
    if (before === undefined) return;
    this.#newestUs = atUs;
    if (Number.isNaN(before)) {
      this.arrivedUs[number] = atUs;
      this.heard++;
      if (atUs - turnedAtUs > STALL_US) this.unsure.add(number);
    } else this.copies++;
  };

  /** Resolves when nothing has come for `quietMs`, or all has; no more is heard then. */
  async end(quietMs: number): Promise<void> {
    this.#newestUs = machineUs();
    await spin(() => this.heard === this.arrivedUs.length || machineUs() - this.#newestUs > quietMs * 1e3);
    this.#socket.off('message', this.#onMessage);
  }
}

/** Bits per second of IPv4 packets at the receiver: from the first arrival to the last, the first not counted. */
export function arrivalBps(arrivedUs: readonly (number | null)[], payloadBytes: number): number {
  const times = arrivedUs.filter((atUs) => atUs !== null).sort((a, b) => a - b);
  if (times.length < 2) return 0;
  return ((times.length - 1) * (payloadBytes + 28) * 8e6) / (times.at(-1)! - times[0]!);
}
