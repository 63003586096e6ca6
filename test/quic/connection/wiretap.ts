/**
 * Reads and forges the packets of a `Pair`, with the secrets its ends log: what a test can see of the wire, and how it
 * plays a peer that is authentic but ill-behaved.
 */
import { AES_128_GCM_SHA256 } from '../../../src/main/quic/tls/suites.ts';
import { Reader, Writer } from '../../../src/main/quic/wire/cursor.ts';
import { type Frame, readFrame, writeFrame } from '../../../src/main/quic/wire/frames.ts';
import {
  decodePacketNumber,
  parseHeader,
  patchLength,
  QUIC_V1,
  writeLongHeader,
  writeShortHeader,
} from '../../../src/main/quic/wire/header.ts';
import { PacketProtection } from '../../../src/main/quic/wire/protection.ts';
import type { Space } from '../../../src/main/recovery/types.ts';
import { Pair, type PairOptions } from './pair.ts';

type Direction = 'up' | 'down';

export interface SeenPacket {
  direction: Direction;
  space: Space;
  packetNumber: number;
  frames: Frame[];
  /** Of the datagram that it came in. */
  datagramBytes: number;
  atUs: number;
  keyPhase: 0 | 1;
}

const SPACE_OF = { initial: 'initial', handshake: 'handshake' } as const;
const LABEL: Record<string, readonly [Direction, Space]> = {
  CLIENT_HANDSHAKE_TRAFFIC_SECRET: ['up', 'handshake'],
  SERVER_HANDSHAKE_TRAFFIC_SECRET: ['down', 'handshake'],
  CLIENT_TRAFFIC_SECRET_0: ['up', 'application'],
  SERVER_TRAFFIC_SECRET_0: ['down', 'application'],
};

export class Wiretap {
  readonly pair: Pair;
  /** Every packet that was sent, lost ones too. */
  readonly packets: SeenPacket[] = [];
  readonly #keys = new Map<string, PacketProtection>();
  /** Key Phase bit that `#keys` of 1-RTT packets stand for. */
  readonly #phases = { up: 0, down: 0 } as Record<Direction, 0 | 1>;
  /** Largest packet number of those a side sent itself, and of those forged in its name. */
  readonly #seen = new Map<string, number>();
  readonly #largest = new Map<string, number>();
  #clientId: Buffer = Buffer.alloc(0);
  #serverId: Buffer = Buffer.alloc(0);

  constructor(options: PairOptions = {}) {
    const keyLog = (line: string): void => {
      const [label, , secret] = line.split(' ');
      const place = LABEL[label!];
      if (!place) return;
      const keys = PacketProtection.fromSecret(AES_128_GCM_SHA256, Buffer.from(secret!, 'hex'));
      this.#keys.set(place.join(), keys);
    };
    this.pair = new Pair({
      ...options,
      client: { keyLog, ...options.client },
      server: { keyLog, ...options.server },
      drop: (direction, n, datagram) => {
        const packets = this.#read(direction, Buffer.from(datagram));
        this.packets.push(...packets);
        return options.drop?.(direction, n, datagram) === true || this.lose(direction, packets);
      },
    });
  }

  /** Decides, in sight of the contents, whether a datagram is lost. */
  lose: (direction: Direction, packets: readonly SeenPacket[]) => boolean = () => false;

  /** All frames of a type that a direction sent. */
  frames<T extends Frame['type']>(direction: Direction, type: T): Extract<Frame, { type: T }>[] {
    return this.packets
      .filter((packet) => packet.direction === direction)
      .flatMap((packet) => packet.frames)
      .filter((frame): frame is Extract<Frame, { type: T }> => frame.type === type);
  }

  /**
   * A datagram with one authentic packet, its number beyond all seen. A Buffer among the frames goes in as it is; `bits` are
   * set in the first byte before it is protected.
   */
  forge(
    direction: Direction,
    space: Space,
    frames: readonly (Frame | Buffer)[],
    datagramBytes = 0,
    { ahead = 20, bits = 0 }: { ahead?: number; bits?: number } = {},
  ): Buffer {
    const at = [direction, space].join();
    const packetNumber = (this.#largest.get(at) ?? -1) + ahead;
    this.#largest.set(at, packetNumber);
    const buffer = Buffer.alloc(2048);
    const writer = new Writer(buffer);
    const [dcid, scid] =
      direction === 'up' ? [this.#serverId, this.#clientId] : [this.#clientId, this.#serverId];
    const number = { packetNumber, pnLength: 4 } as const;
    let lengthOffset = -1;
    let pnOffset: number;
    if (space === 'application') {
      ({ pnOffset } = writeShortHeader(writer, {
        dcid,
        keyPhase: this.#phases[direction],
        spin: 0,
        ...number,
      }));
    } else {
      ({ pnOffset, lengthOffset } = writeLongHeader(writer, {
        type: space,
        version: QUIC_V1,
        dcid,
        scid,
        ...number,
      }));
    }
    buffer[0]! |= bits;
    for (const frame of frames) {
      if (Buffer.isBuffer(frame)) writer.bytes(frame);
      else writeFrame(writer, frame);
    }
    // Room for the header-protection sample, and the size asked for, as PADDING.
    const end = Math.max(writer.pos, pnOffset + 4, datagramBytes - 16);
    if (lengthOffset >= 0) patchLength(buffer, lengthOffset, end + 16 - pnOffset);
    const sealed = this.#keys.get(at)!.seal(buffer, 0, pnOffset, 4, end, packetNumber);
    return buffer.subarray(0, sealed);
  }

  /** From here on forged packets of a direction are of the next key phase. */
  updateKeys(direction: Direction): void {
    const at = [direction, 'application'].join();
    this.#phases[direction] = this.#phases[direction] === 0 ? 1 : 0;
    this.#keys.set(at, this.#keys.get(at)!.next());
  }

  /** Hands a forged packet to the other side. */
  inject(direction: Direction, space: Space, frames: readonly (Frame | Buffer)[], datagramBytes = 0): void {
    this.pair.inject(direction, this.forge(direction, space, frames, datagramBytes));
  }

  #read(direction: Direction, datagram: Buffer): SeenPacket[] {
    const seen: SeenPacket[] = [];
    for (let position = 0; position < datagram.length; ) {
      const header = parseHeader(datagram, position, 8);
      if (header?.form !== 'short' && header?.form !== 'long') break;
      position = header.end;
      let space: Space = 'application';
      if (header.form === 'long') {
        if (header.type !== 'initial' && header.type !== 'handshake') continue;
        space = SPACE_OF[header.type];
        if (direction === 'up') this.#clientId = Buffer.from(header.scid);
        else this.#serverId = Buffer.from(header.scid);
        if (space === 'initial' && !this.#keys.has('up,initial')) {
          const { client, server } = PacketProtection.initial(Buffer.from(header.dcid));
          this.#keys.set('up,initial', client);
          this.#keys.set('down,initial', server);
        }
      }
      const at = [direction, space].join();
      const keys = this.#keys.get(at)!;
      const { firstByte, pnLength, truncated } = keys.unprotectHeader(
        datagram,
        header.start,
        header.pnOffset,
        header.end,
      )!;
      const newest = this.#seen.get(at) ?? -1;
      const packetNumber = decodePacketNumber(truncated, pnLength, newest);
      this.#seen.set(at, Math.max(newest, packetNumber));
      this.#largest.set(at, Math.max(this.#largest.get(at) ?? -1, packetNumber));
      const keyPhase = header.form === 'short' && (firstByte & 0x04) !== 0 ? 1 : 0;
      let opener = keys;
      // Senders never go back a phase, and the tap sees packets in the order they are sent.
      if (header.form === 'short' && keyPhase !== this.#phases[direction]) {
        this.#phases[direction] = keyPhase;
        opener = keys.next();
        this.#keys.set(at, opener);
      }
      const payload = opener.open(
        datagram,
        header.start,
        header.pnOffset + pnLength,
        header.end,
        packetNumber,
      )!;
      const frames: Frame[] = [];
      for (const reader = new Reader(payload); reader.remaining > 0; ) frames.push(readFrame(reader));
      seen.push({
        direction,
        space,
        packetNumber,
        frames,
        datagramBytes: datagram.length,
        atUs: this.pair.nowUs,
        keyPhase,
      });
    }
    return seen;
  }
}
