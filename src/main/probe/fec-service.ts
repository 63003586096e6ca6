/** The server's side of FEC on one connection: it decodes what the client sends, and sends what the client decodes. */
import type { FecCounts } from '../../shared/fec.ts';
import type { QuicSession, QuicStream } from '../quic/udp/api.ts';
import { isFecDatagram } from './fec/datagram.ts';
import { encodeRecord, type FecRecord, type FecRequest, type FecSent, RecordReader } from './fec/request.ts';
import { FecReceiver, FecSender } from './fec-flow.ts';
import { AppError } from './protocol.ts';
import { SERVICE_LIMITS, type ServiceCounters } from './service-limits.ts';

export class FecService {
  readonly #session: QuicSession;
  readonly #counters: ServiceCounters;
  /** Directions under way: one of each. */
  readonly #directions = new Set<FecRequest['direction']>();
  #receiver: FecReceiver | null = null;

  constructor(session: QuicSession, counters: ServiceCounters) {
    this.#session = session;
    this.#counters = counters;
  }

  /** Whether `payload` is one of FEC: then it is taken, or dropped where none was asked for. */
  receive(payload: Buffer, atUs: number): boolean {
    if (!isFecDatagram(payload)) return false;
    this.#receiver?.receive(payload, atUs);
    return true;
  }

  /** Answers a request. Returns what takes the client's records and what ends it; null when it was refused. */
  open(
    stream: QuicStream,
    request: FecRequest,
    { done, fail }: { done: () => void; fail: (code: number) => void },
  ): { receive: (data: Buffer) => void; stop: () => void } | null {
    const { direction } = request;
    const counters = this.#counters;
    if (this.#directions.has(direction) || counters.activeFec >= SERVICE_LIMITS.fec) {
      fail(AppError.BUSY);
      return null;
    }
    counters.activeFec++;
    counters.fec++;
    this.#directions.add(direction);
    const tell = (record: FecRecord): void => void stream.write(encodeRecord(record));
    const counted = { recovered: 0, unrecoverable: 0 };
    const count = (counts: FecCounts): void => {
      counters.fecRecovered += Math.max(0, counts.recovered - counted.recovered);
      counters.fecUnrecoverable += Math.max(0, counts.unrecoverable - counted.unrecoverable);
      Object.assign(counted, { recovered: counts.recovered, unrecoverable: counts.unrecoverable });
    };
    tell({ type: 'ready' });
    const end = direction === 'up' ? this.#receive(request, tell, count) : this.#send(request, tell, count);
    void end.finished.then(() => stream.end());
    stream.onEnd = () => {
      // An uploading client's end comes behind its record, a downloading one's says that it has enough.
      if (direction === 'up') void end.finished.then(done);
      else {
        end.stop();
        done();
      }
    };
    const reader = new RecordReader();
    return {
      receive: (data) => {
        const records = reader.push(data);
        if (records === null || !records.every((record) => end.take(record))) fail(AppError.BAD_REQUEST);
      },
      stop: () => {
        end.stop();
        if (direction === 'up') this.#receiver = null;
        this.#directions.delete(direction);
        counters.activeFec--;
      },
    };
  }

  #receive(request: FecRequest, tell: (record: FecRecord) => void, count: (counts: FecCounts) => void) {
    const receiver = new FecReceiver(request, (report) => {
      count(report.counts);
      tell(report);
    });
    this.#receiver = receiver;
    return {
      finished: receiver.finished.then((report) => {
        count(report.counts);
        tell(report);
      }),
      take: (record: FecRecord) => {
        if (record.type !== 'end' || !receiver.end(record)) return false;
        this.#countSent(record);
        return true;
      },
      stop: () => receiver.stop(),
    };
  }

  #send(request: FecRequest, tell: (record: FecRecord) => void, count: (counts: FecCounts) => void) {
    const sender = new FecSender(this.#session, request);
    return {
      finished: sender.finished.then((sent) => {
        this.#countSent(sent);
        tell(sent);
      }),
      take: (record: FecRecord) => {
        if (record.type !== 'report') return false;
        count(record.counts);
        this.#countSent(sender.sent);
        sender.report(record);
        return true;
      },
      stop: () => sender.stop(),
    };
  }

  #countSent({ source, repair }: FecSent): void {
    if (source > 0) this.#counters.fecRedundancy = repair / source;
  }
}
