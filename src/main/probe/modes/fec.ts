/** Mode `fec`: packets at a fixed rate in DATAGRAM frames, in groups with repair packets, both ways at once over one connection. */
import { LabError } from '../../../shared/errors.ts';
import { DEFAULT_FEC, DEFAULT_PACKETS, type FecFigures, repairOf } from '../../../shared/fec.ts';
import type { DetailOf } from '../../../shared/probe-details.ts';
import { formatPercent } from '../../../shared/units.ts';
import type { QuicSession } from '../../quic/udp/api.ts';
import { connectionEnded } from '../ended.ts';
import { isFecDatagram } from '../fec/datagram.ts';
import {
  encodeRecord,
  type FecRecord,
  type FecReport,
  type FecRequest,
  type FecSent,
  holdMs,
  RecordReader,
} from '../fec/request.ts';
import { FecReceiver, FecSender, figuresOf } from '../fec-flow.ts';
import { AppError, encodeRequest } from '../protocol.ts';
import { DEFAULT_DURATION_MS, type Mode, type ModeContext } from './mode.ts';

/** How long the other end may take beyond what the rules give it. */
const PATIENCE_MS = 5000;

/** One direction as far as both ends told. */
interface Way {
  request: FecRequest;
  sent: () => FecSent | null;
  report: () => FecReport | null;
}

export function fecMode(context: ModeContext): Mode {
  const { plan, signal, remarks } = context;
  const durationMs = plan.durationMs ?? DEFAULT_DURATION_MS;
  const fec = plan.fec ?? DEFAULT_FEC;
  const { scheme, k, adaptive } = fec;
  const common = {
    kind: 'fec',
    scheme,
    k,
    r: repairOf(fec),
    adaptive,
    durationMs,
    ratePerS: plan.ratePerS ?? DEFAULT_PACKETS.perS,
    packetBytes: plan.packetBytes ?? DEFAULT_PACKETS.bytes,
  } as const;
  const ways: Partial<Record<'up' | 'down', Way>> = {};

  const figures = (direction: 'up' | 'down'): FecFigures | null => {
    const way = ways[direction];
    const [sent, report] = [way?.sent() ?? null, way?.report() ?? null];
    return way === undefined || sent === null || report === null
      ? null
      : figuresOf(way.request, sent, report, plan.pathLoss?.[direction]);
  };
  const detail = (): DetailOf<'fec'> => {
    const { ratePerS, packetBytes, r } = common;
    const [up, down] = [figures('up'), figures('down')];
    return { kind: 'fec', scheme, k, r, adaptive, ratePerS, packetBytes, up, down };
  };

  const measure = async (session: QuicSession): Promise<void> => {
    if (session.maxDatagramPayload < common.packetBytes + 12)
      throw new LabError(
        'RL_PEER_UNSUPPORTED',
        `The server takes DATAGRAM frames of at most ${session.maxDatagramPayload} bytes, which packets of ${common.packetBytes} bytes with FEC do not fit`,
      );
    const ends = await Promise.allSettled([
      exchange(session, { ...common, direction: 'up' }, ways, signal),
      exchange(session, { ...common, direction: 'down' }, ways, signal),
    ]);
    session.onDatagram = null;
    for (const each of ends) if (each.status === 'rejected') throw each.reason;
    for (const direction of ['up', 'down'] as const) {
      const skipped = figures(direction)?.skipped ?? 0;
      if (skipped > 0)
        remarks.push(
          `${skipped} packets ${direction} were not sent: the sender or its connection was too busy`,
        );
    }
  };

  return {
    durationMs,
    part: 0,
    get newest() {
      return `residual loss up ${formatPercent(figures('up')?.residualLoss ?? null, 2)}`;
    },
    measure: () => context.withSession({ during: 'packets with FEC', serverSends: false }, measure),
    figures: () => ({ detail: detail() }),
    fault: () => {
      const { up, down } = detail();
      return up !== null && down !== null && up.receivedSource + down.receivedSource > 0
        ? null
        : new LabError('RL_CONNECTION_LOST', 'No packet with FEC arrived');
    },
  };
}

/** One direction from its request to its end. Rejects with a LabError. */
async function exchange(
  session: QuicSession,
  request: FecRequest,
  ways: Partial<Record<'up' | 'down', Way>>,
  signal: AbortSignal,
): Promise<void> {
  const { direction, durationMs } = request;
  const stream = session.openStream();
  const over = Promise.withResolvers<void>();
  const reader = new RecordReader();
  let sender: FecSender | null = null;
  let receiver: FecReceiver | null = null;
  let sent: FecSent | null = null;
  let report: FecReport | null = null;
  ways[direction] = {
    request,
    sent: () => sender?.sent ?? sent,
    report: () => report ?? receiver?.report ?? null,
  };
  const tell = (record: FecRecord): void => void stream.write(encodeRecord(record));
  const begin = (): void => {
    if (direction === 'up') {
      sender = new FecSender(session, request);
      void sender.finished.then((all) => {
        tell(all);
        stream.end();
      });
      if (signal.aborted) sender.stop();
      return;
    }
    const decoding = new FecReceiver(request, tell);
    receiver = decoding;
    session.onDatagram = (payload, atUs) => isFecDatagram(payload) && decoding.receive(payload, atUs);
    void decoding.finished.then((last) => {
      report = last;
      tell(last);
      stream.end();
      over.resolve();
    });
  };
  const take = (record: FecRecord): boolean => {
    if (record.type === 'ready' && sender === null && receiver === null) begin();
    else if (record.type === 'report' && sender !== null) {
      report = record;
      sender.report(record);
    } else if (record.type === 'end' && receiver !== null && sent === null) {
      sent = record;
      return receiver.end(record);
    } else return false;
    return true;
  };
  stream.onData = (data) => {
    if (reader.push(data)?.every(take)) return;
    over.reject(new LabError('RL_PEER_CLOSED', 'The server told something unreadable of its FEC'));
  };
  stream.onEnd = () => {
    if (direction === 'up') over.resolve();
    else if (sent === null) over.reject(new LabError('RL_PEER_CLOSED', 'The server ended its FEC too early'));
  };
  stream.onReset = (code) =>
    over.reject(
      code === AppError.BUSY
        ? new LabError('RL_RATE_LIMITED', 'The server does FEC for too many others')
        : new LabError('RL_PEER_UNSUPPORTED', 'The server does no FEC: it is of an older version'),
    );
  void session.closed.then((info) => over.reject(connectionEnded(info, 'packets with FEC')));
  let timer = setTimeout(
    () => over.reject(new LabError('RL_CONNECTION_LOST', 'The server did not end its FEC in time')),
    durationMs + 2 * holdMs(request) + PATIENCE_MS,
  );
  const abort = (): void => {
    sender?.stop();
    clearTimeout(timer);
    timer = setTimeout(over.resolve, holdMs(request));
    if (receiver !== null) over.resolve();
  };
  signal.addEventListener('abort', abort);
  stream.write(encodeRequest(request));
  try {
    await over.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    (sender as FecSender | null)?.stop();
    (receiver as FecReceiver | null)?.stop();
    stream.onData = stream.onEnd = stream.onReset = null;
  }
}
