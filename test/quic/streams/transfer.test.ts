import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FlowControl } from '../../../src/main/quic/streams/flow-control.ts';
import { ReceiveStream } from '../../../src/main/quic/streams/receive-stream.ts';
import { ReceiveWindow } from '../../../src/main/quic/streams/receive-window.ts';
import { SendStream } from '../../../src/main/quic/streams/send-stream.ts';
import { frameSize } from '../../../src/main/quic/wire/frames.ts';

/** What the network does at each step, drawn at random. */
const step = fc.record({
  action: fc.constantFrom(
    'send',
    'send',
    'send',
    'deliver',
    'deliver',
    'acknowledge',
    'lose',
    'read',
    'credit',
  ),
  room: fc.integer({ min: 4, max: 1400 }),
  pick: fc.nat(1000),
});

interface InFlight {
  offset: number;
  data: Buffer;
  fin: boolean;
  delivered: boolean;
}

it('a stream arrives whole over any loss, reordering and duplication, within both windows', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 8 }),
      fc.array(step, { maxLength: 120 }),
      fc.integer({ min: 20, max: 2500 }),
      fc.integer({ min: 20, max: 2500 }),
      (writes, steps, streamWindow, connectionWindow) => {
        const sender = new SendStream(4, streamWindow);
        const senderFlow = new FlowControl(new ReceiveWindow(0));
        const receiver = new ReceiveStream(4, streamWindow);
        senderFlow.raiseMaxData(connectionWindow);
        const receiverFlow = new FlowControl(new ReceiveWindow(connectionWindow));
        const sent: Buffer[] = [];
        let total = 0;
        for (const length of writes) {
          const data = Buffer.from(Array.from({ length }, (_, i) => (total + i) % 249));
          sender.write(data);
          sent.push(data);
          total += length;
        }
        sender.finish();
        const network: InFlight[] = [];
        const received: Buffer[] = [];

        const send = (room: number) => {
          const piece = sender.next(room, senderFlow.sendCredit);
          if (piece === null) return;
          expect(frameSize({ type: 'stream', id: 4, ...piece })).toBeLessThanOrEqual(room);
          senderFlow.onSent(piece.newBytes);
          network.push({ offset: piece.offset, data: piece.data, fin: piece.fin, delivered: false });
        };
        const deliver = (packet: InFlight) => {
          packet.delivered = true;
          // Each frame comes in a packet of its own.
          receiverFlow.receive(receiver.receive(packet.offset, Buffer.from(packet.data), packet.fin));
        };
        const read = () => {
          const data = receiver.read();
          if (data === null) return;
          receiverFlow.consume(data.length);
          received.push(data);
        };
        const credit = () => {
          const streamMax = receiver.takeMaxData();
          if (streamMax !== null) sender.raiseMaxData(streamMax);
          const max = receiverFlow.takeMaxData();
          if (max !== null) senderFlow.raiseMaxData(max);
        };

        for (const { action, room, pick } of steps) {
          const index = network.length === 0 ? -1 : pick % network.length;
          const packet = network[index];
          if (action === 'send') send(room);
          else if (action === 'read') read();
          else if (action === 'credit') credit();
          else if (packet === undefined) continue;
          else if (action === 'deliver') deliver(packet);
          else if (action === 'lose') {
            // Declared lost although it may have arrived.
            sender.onLost(packet.offset, packet.data.length, packet.fin);
            network.splice(index, 1);
          } else if (packet.delivered) {
            sender.onAcked(packet.offset, packet.data.length, packet.fin);
            network.splice(index, 1);
          }
        }
        // Then the network behaves, and everything must come to its end.
        for (let round = 0; !(sender.isDone && receiver.isFinished); round++) {
          expect(round).toBeLessThan(5000);
          for (const packet of network.splice(0)) {
            deliver(packet);
            sender.onAcked(packet.offset, packet.data.length, packet.fin);
          }
          read();
          credit();
          send(1200);
        }
        expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true);
        expect(sender.hasWork(1000)).toBe(false);
        expect(sender.unsentBytes).toBe(0);
      },
    ),
    { numRuns: 200 },
  );
});
