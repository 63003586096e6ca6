import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeObservation,
  encodeWish,
  ObservationReader,
  transportOf,
} from '../../src/main/probe/observation.ts';
import { observe } from '../../src/main/probe/observe.ts';
import { AppError, encodeRequest } from '../../src/main/probe/protocol.ts';
import { serveSession } from '../../src/main/probe/service.ts';
import { download } from '../../src/main/probe/throughput.ts';
import type { CongestionRecord } from '../../src/main/quic/udp/api.ts';
import { appendSeries, type CongestionSeries, emptySeries } from '../../src/shared/congestion-series.ts';
import { LabError } from '../../src/shared/errors.ts';
import { anySeries } from '../shared/series-arbitrary.ts';
import { startLoopback } from './loopback.ts';
import { NO_FIGURES } from './stand-in-session.ts';

const WISH = { name: 'newreno', parameters: { PacingGain: 2 } } as const;

test('a server tells what its controller does while it sends', async () => {
  await using loopback = await startLoopback();
  const session = await loopback.connect();
  const series = emptySeries();
  const observed = await observe(session, {
    everyUs: 1000,
    wish: null,
    onSeries: (next) => appendSeries(series, next),
  });
  expect(observed.controller).toBe('cubic');
  const { bytes } = await download(session, { bytes: 3_000_000 });
  const transport = await observed.finish();
  expect(transport).toMatchObject({ vantage: 'server', controller: 'cubic' });
  // It sent the payload: the client's own end sends next to nothing.
  expect(transport!.packetsSent * transport!.datagramBytes!).toBeGreaterThan(bytes);
  expect(series.tUs.length).toBeGreaterThan(2);
  expect(series.tUs).toEqual(series.tUs.toSorted((a, b) => a - b));
  expect(Math.max(...(series.inFlightBytes as number[]))).toBeGreaterThan(10_000);
  expect(series.phases[0]).toMatchObject({ state: 'slow-start' });
});

test('a server that lets clients choose uses the controller asked for', async () => {
  await using loopback = await startLoopback(undefined, (session, counters) =>
    serveSession(session, counters, { clientsChoose: true }),
  );
  const session = await loopback.connect();
  const observed = await observe(session, { everyUs: 1000, wish: WISH, onSeries: () => {} });
  expect(observed).toMatchObject({ controller: 'newreno', followed: true });
  await download(session, { bytes: 1_000_000 });
  expect(await observed.finish()).toMatchObject({ controller: 'newreno' });
});

test('any other keeps its own, and says so', async () => {
  await using loopback = await startLoopback();
  const session = await loopback.connect();
  const observed = await observe(session, { everyUs: 1000, wish: WISH, onSeries: () => {} });
  expect(observed).toMatchObject({ controller: 'cubic', followed: false });
});

test('a server that knows nothing of it tells nothing, and the connection goes on', async () => {
  await using loopback = await startLoopback(undefined, (session, counters) => {
    serveSession(session, counters);
    const serve = session.onStream!;
    let first = true;
    session.onStream = (stream) => {
      if (!first) return serve(stream);
      first = false;
      stream.onData = () => {};
      stream.stopSending(AppError.BAD_REQUEST);
      stream.reset(AppError.BAD_REQUEST);
    };
  });
  const session = await loopback.connect();
  const observed = await observe(session, { everyUs: 1000, wish: null, onSeries: () => {} });
  expect(observed.controller).toBeNull();
  expect(await observed.finish()).toBeNull();
  expect(await download(session, { bytes: 100_000 })).toMatchObject({ bytes: 100_000 });
});

test.each([
  ['a wish that is none', Buffer.from('{"name":"vegas","parameters":{}}'), true],
  ['a parameter out of its range', encodeWish({ name: 'cubic', parameters: { C: 1e9 } }), true],
  ['more than the wish', Buffer.concat([encodeWish(WISH), Buffer.from('!')]), false],
])('%s is refused as a bad request', async (_, wish, isWhole) => {
  await using loopback = await startLoopback(undefined, (session, counters) =>
    serveSession(session, counters, { clientsChoose: true }),
  );
  const session = await loopback.connect();
  const stream = session.openStream();
  const code = new Promise<number>((resolve) => {
    stream.onReset = resolve;
  });
  const wishBytes = isWhole ? wish.length : wish.length - 1;
  stream.write(Buffer.concat([encodeRequest({ kind: 'observe', everyUs: 1000, wishBytes }), wish]));
  expect(await code).toBe(AppError.BAD_REQUEST);
});

test('a server records nothing more once nobody observes', async () => {
  const records: CongestionRecord[] = [];
  await using loopback = await startLoopback(undefined, (session, counters) => {
    const watchCongestion = session.watchCongestion.bind(session);
    session.watchCongestion = (everyUs) => {
      const record = watchCongestion(everyUs);
      records.push(record);
      return record;
    };
    serveSession(session, counters);
  });
  const session = await loopback.connect();
  const observed = await observe(session, { everyUs: 1000, wish: null, onSeries: () => {} });
  await download(session, { bytes: 100_000 });
  await observed.finish();
  records[0]!.take();
  await download(session, { bytes: 1_000_000 });
  expect(records).toHaveLength(1);
  expect(records[0]!.take()).toBeNull();
});

test('one observer is enough for a connection', async () => {
  await using loopback = await startLoopback();
  const session = await loopback.connect();
  const first = await observe(session, { everyUs: 1000, wish: null, onSeries: () => {} });
  const second = await observe(session, { everyUs: 1000, wish: null, onSeries: () => {} });
  expect([first.controller, second.controller]).toEqual(['cubic', null]);
});

test('records read back as they were written, however they are cut', () => {
  const transport = transportOf('server', NO_FIGURES);
  fc.assert(
    fc.property(anySeries, fc.integer({ min: 1, max: 50 }), (series: CongestionSeries, size) => {
      const records = [
        { type: 'controller', name: 'cubic' },
        { type: 'series', series },
        { type: 'transport', transport },
      ] as const;
      const bytes = Buffer.concat(records.map(encodeObservation));
      const reader = new ObservationReader();
      const read = [];
      for (let at = 0; at < bytes.length; at += size)
        read.push(...reader.push(bytes.subarray(at, at + size)));
      expect(read).toEqual(records);
    }),
  );
});

test('a controller’s name of any length is no name', () => {
  const transport = { ...transportOf('server', NO_FIGURES), controller: 'x'.repeat(65) };
  const record = encodeObservation({ type: 'transport', transport });
  expect(() => new ObservationReader().push(record)).toThrow(
    expect.objectContaining({ code: 'RL_PEER_CLOSED' }),
  );
});

test('what is no record is refused with the catalogue’s error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        new ObservationReader().push(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(LabError);
      }
    }),
  );
});

test('what is told stays a small part of what is sent', async () => {
  await using loopback = await startLoopback();
  const session = await loopback.connect();
  let told = 0;
  const observed = await observe(session, {
    everyUs: 1000,
    wish: null,
    onSeries: (series) => {
      told += encodeObservation({ type: 'series', series }).length;
    },
  });
  await download(session, { bytes: 50_000_000 });
  await observed.finish();
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThan(0.02 * 50_000_000);
});
