import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createController } from '../../../src/main/congestion/index.ts';
import type { Observer, Origin, Status } from '../../../src/main/quic/connection/observer.ts';
import { QlogReader, type ReadQlog } from '../../../src/main/quic/qlog/reader.ts';
import { type QlogFormat, qlogTrace } from '../../../src/main/quic/qlog/trace.ts';
import { LabError } from '../../../src/shared/errors.ts';
import { Pair, readAll } from '../connection/pair.ts';

const read = (text: string, size = Number.POSITIVE_INFINITY): ReadQlog => {
  const reader = new QlogReader();
  for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size));
  return reader.end();
};

const seq = (...records: object[]): string =>
  records.map((record) => `\x1e${JSON.stringify(record)}\n`).join('');
const metrics = (time: number, data: object) => ({ time, name: 'recovery:metrics_updated', data });
const HEADER = {
  qlog_version: '0.3',
  qlog_format: 'JSON-SEQ',
  title: 'a trace',
  trace: { vantage_point: { type: 'server' }, common_fields: { time_format: 'relative' } },
};

/**
 * An upload of 300 kB that loses a datagram in eleven, logged by the client, with the window it ended with. Nothing larger
 * than `narrowBytes` passes, where probes of the MTU are larger.
 */
function ourUpload(
  format: QlogFormat,
  narrowBytes = Number.POSITIVE_INFINITY,
  controller = 'cubic',
): { text: string; pair: Pair; statuses: Status[] } {
  let text = '';
  const statuses: Status[] = [];
  const observer = (origin: Origin): Observer => {
    const trace = qlogTrace(
      origin,
      {
        write: (record) => {
          text += record;
        },
        end: () => {},
      },
      { local: { address: '192.0.2.1', port: 1 }, unixMs: 0, format },
    );
    const onSettled = trace.onSettled.bind(trace);
    trace.onSettled = (status, nowUs) => {
      statuses.push(status);
      onSettled(status, nowUs);
    };
    return trace;
  };
  const pair = new Pair({
    drop: (_, n, { length }) => n % 11 === 9 || length > narrowBytes,
    client: {
      controller: () => createController(controller, { datagramBytes: 1350, random: () => 0.5 }),
      observer,
      ...(narrowBytes < Number.POSITIVE_INFINITY && { maxDatagramBytes: 1472 }),
    },
  });
  pair.connect();
  const id = pair.client.openStream(false)!;
  pair.client.write(id, Buffer.alloc(300_000));
  pair.client.finish(id);
  const up: Buffer[] = [];
  pair.run(10_000_000, () => pair.server!.isOpen && pair.has('server', 'stream-opened'));
  pair.run(10_000_000, () => readAll(pair.server!, id, up));
  pair.run(1_000_000);
  return { text, pair, statuses };
}

describe('a qlog of ours', () => {
  it.each(['ietf', 'qvis'] as const)('reads back as what the connection counted (%s)', (format) => {
    const { text, pair } = ourUpload(format);
    const { series, newest, vantage, title, packetsSent, packetsLost } = read(text);
    const stats = pair.client.stats();
    expect({ title, vantage }).toEqual({ title: 'RouteLab client', vantage: 'client' });
    expect(packetsSent).toBe(stats.packetsSent);
    expect(packetsLost).toBe(stats.packetsLost);
    expect(series.lostPackets.at(-1)).toBe(stats.packetsLost);
    expect(newest.cwndBytes).toBe(Math.floor(stats.cwndBytes));
    expect(newest.minRttUs).toBe(Math.round(stats.minRttUs!));
    expect(series.phases[0]).toEqual({ fromUs: 0, state: 'slow-start' });
    expect(series.phases.map(({ state }) => state)).toContain('recovery');
  });

  it.each(['ietf', 'qvis'] as const)(
    'has the series back that the connection went through (%s)',
    (format) => {
      const { text, statuses } = ourUpload(format, undefined, 'bbr3');
      const { series } = read(text);
      const floor = (value: number | null): number | null => (value === null ? null : Math.floor(value));
      const changes = (values: readonly (number | null)[]): (number | null)[] =>
        values.filter((value, i) => value !== values[i - 1]);
      const of = (pick: (status: Status) => number | null): (number | null)[] =>
        changes(statuses.map((status) => floor(pick(status))));
      expect(changes(series.bandwidthBps)).toEqual(of(({ controller }) => controller.bandwidthBps));
      expect(changes(series.bandwidthBps).length).toBeGreaterThan(10);
      expect(changes(series.cwndBytes)).toEqual(of(({ controller }) => controller.cwnd));
      expect(changes(series.pacingBps)).toEqual(of(({ controller }) => controller.pacingBps));
      expect(changes(series.inFlightBytes)).toEqual(of(({ bytesInFlight }) => bytesInFlight));
      expect(changes(series.minRttUs)).toEqual(of(({ rtt }) => rtt && Math.round(rtt.minUs)));
      const states = statuses.map(({ controller }) => controller.state);
      expect(series.phases.map(({ state }) => state)).toEqual(
        states.filter((state, i) => state !== states[i - 1]),
      );
    },
  );

  it.each(['ietf', 'qvis'] as const)('counts no probe of the path’s MTU as a lost packet (%s)', (format) => {
    const { text, pair } = ourUpload(format, 1400);
    const probesLost = text
      .split('\n')
      .filter((line) => /packet_lost.*is_mtu_probe_packet/.test(line)).length;
    expect(probesLost).toBeGreaterThan(0);
    const { series, packetsLost } = read(text);
    const stats = pair.client.stats();
    expect({ packetsLost, atEnd: series.lostPackets.at(-1) }).toEqual({
      packetsLost: stats.packetsLost,
      atEnd: stats.packetsLost,
    });
  });
});

describe('a qlog of another implementation', () => {
  const expected = {
    tUs: [0, 20_000, 45_500],
    cwndBytes: [12_000, 24_000, 12_000],
    inFlightBytes: [null, 6000, 6000],
    rttUs: [null, 20_500, 20_500],
    lostPackets: [0, 0, 1],
    phases: [{ fromUs: 20_000, state: 'slow_start' }],
  };
  const events = [
    metrics(10, { congestion_window: 12_000 }),
    { time: 30, name: 'recovery:congestion_state_updated', data: { new: 'slow_start' } },
    metrics(30, { congestion_window: 24_000, bytes_in_flight: 6000, latest_rtt: 20.5, pacing_rate: 1000 }),
    { time: 55.5, name: 'recovery:packet_lost', data: { header: { packet_number: 3 } } },
    metrics(55.5, { congestion_window: 12_000 }),
  ];
  // The loss is a point of its own.
  const withLoss = {
    ...expected,
    tUs: [0, 20_000, 45_500, 45_500],
    cwndBytes: [12_000, 24_000, 24_000, 12_000],
    inFlightBytes: [null, 6000, 6000, 6000],
    rttUs: [null, 20_500, 20_500, 20_500],
    lostPackets: [0, 0, 1, 1],
  };

  it('a JSON text sequence of qlog 0.3', () => {
    expect(read(seq(HEADER, ...events))).toMatchObject({ vantage: 'server', series: withLoss });
  });

  it('one record a line, without separators', () => {
    expect(read(seq(HEADER, ...events).replaceAll('\x1e', '')).series).toMatchObject(withLoss);
  });

  it('a JSON document of draft-02', () => {
    const document = {
      qlog_version: 'draft-02',
      title: 'contained',
      summary: { events: 5 },
      traces: [{ vantage_point: { type: 'server' }, events }],
    };
    for (const text of [JSON.stringify(document), JSON.stringify(document, null, 2)])
      expect(read(text)).toMatchObject({ title: 'contained', vantage: 'server', series: withLoss });
  });

  it('events under the names of the newest drafts', () => {
    const header = { file_schema: 'urn:ietf:params:qlog:file:sequential', trace: HEADER.trace };
    const names: Record<string, string> = {
      'recovery:metrics_updated': 'quic:recovery_metrics_updated',
      'recovery:congestion_state_updated': 'quic:congestion_state_updated',
      'recovery:packet_lost': 'quic:packet_lost',
    };
    const renamed = events.map((event) => ({ ...event, name: names[event.name] }));
    expect(read(seq(header, ...renamed)).series).toMatchObject(withLoss);
  });

  it('times that count from the event before', () => {
    const trace = { ...HEADER.trace, common_fields: { time_format: 'delta' } };
    let before = 0;
    const relative = events.map((event) => {
      const time = event.time - before;
      before = event.time;
      return { ...event, time };
    });
    expect(read(seq({ ...HEADER, trace }, ...relative)).series).toMatchObject(withLoss);
  });

  it('lists instead of objects, in microseconds throughout, as picoquic writes', () => {
    const document = {
      qlog_version: 'draft-00',
      title: 'picoquic',
      traces: [
        {
          vantage_point: { name: 'backend-67', type: 'server' },
          configuration: { time_units: 'us' },
          event_fields: ['relative_time', 'category', 'event', 'data'],
          events: [
            [10_000, 'transport', 'packet_sent', { packet_type: '1RTT' }],
            [10_000, 'recovery', 'metrics_updated', { cwnd: 12_000 }],
            [
              30_000,
              'recovery',
              'metrics_updated',
              { cwnd: 24_000, bytes_in_flight: 6000, latest_rtt: 20_500 },
            ],
          ],
        },
      ],
    };
    const { series, packetsSent } = read(JSON.stringify(document));
    expect(packetsSent).toBe(1);
    expect(series).toMatchObject({
      tUs: [0, 20_000],
      cwndBytes: [12_000, 24_000],
      rttUs: [null, 20_500],
    });
  });

  it('numbers as text, and what says which end it was after the events, as mvfst writes', () => {
    const text = JSON.stringify({
      qlog_version: 'draft-00',
      traces: [
        {
          configuration: { time_units: 'us' },
          event_fields: ['relative_time', 'category', 'event', 'data'],
          events: [
            ['500', 'recovery', 'congestion_metric_update', { current_cwnd: '14720', state: 'Startup' }],
            ['900', 'recovery', 'metric_update', { latest_rtt: '250', min_rtt: '200' }],
          ],
          vantage_point: { type: 'server' },
        },
      ],
    });
    expect(read(text)).toMatchObject({
      vantage: 'server',
      series: {
        tUs: [0, 400],
        cwndBytes: [14_720, 14_720],
        minRttUs: [null, 200],
        phases: [{ state: 'Startup' }],
      },
    });
  });

  it('pacing in bits per second; quiche’s in bytes per second', () => {
    const pacing = (title: string) =>
      read(seq({ ...HEADER, title }, metrics(0, { pacing_rate: 1000, congestion_window: 1 }))).newest
        .pacingBps;
    expect([pacing('quic-go qlog'), pacing('quiche-server qlog')]).toEqual([1000, 8000]);
  });

  it('of several traces, the first that tells of a congestion controller', () => {
    const trace = (side: string, own: object[]) => ({ vantage_point: { type: side }, events: own });
    const traces = [trace('server', [events[1]!].slice(1)), trace('client', events), trace('server', events)];
    expect(read(JSON.stringify({ qlog_version: '0.3', title: 'three', traces }))).toMatchObject({
      title: 'three (trace 2 of 3)',
      series: { cwndBytes: withLoss.cwndBytes },
    });
  });

  it('that broke off within a record, without that record', () => {
    const whole = seq(HEADER, ...events);
    expect(read(whole.slice(0, -20)).series.tUs).toEqual([0, 20_000, 45_500]);
    // Another program went on after the one that died.
    const torn = whole.replace('"congestion_window":24000', '"congestion_wi');
    expect(read(torn.replace('"congestion_wi,', '"congestion_wi')).series.cwndBytes).toContain(12_000);
  });

  it('comes out the same however its text is cut', () => {
    const { text } = ourUpload('ietf');
    const whole = read(text);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (size) => {
        expect(read(text, size)).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  it('of any length is held in bounds, and keeps its peaks', () => {
    const reader = new QlogReader();
    reader.push(seq(HEADER));
    for (let i = 0; i < 100_000; i++) {
      const congestion_window = i === 77_777 ? 9_999_999 : 10_000 + (i % 100);
      reader.push(seq(metrics(i, { congestion_window })));
      if (i % 2 === 0)
        reader.push(seq({ time: i, name: 'recovery:congestion_state_updated', data: { new: `state ${i}` } }));
    }
    const { series } = reader.end();
    expect(series.tUs.length).toBeLessThanOrEqual(20_000);
    expect(series.phases.length).toBeLessThanOrEqual(20_000);
    expect(series.tUs.at(-1)).toBe(99_999_000);
    expect(Math.max(...(series.cwndBytes as number[]))).toBe(9_999_999);
  });
});

describe('what is no qlog is refused with the reason', () => {
  it.each([
    ['', /neither a header nor events/],
    ['hello', /where other text stands/],
    ['{"traces":[]}', /names no qlog_version/],
    ['[1,2]', /it is a list/],
    ['{"qlog_version":"0.3","traces":[{"events":[{"time":1', /it is cut off/],
    ['{"qlog_version":"0.3","traces":[{"events":[1]}]}', /where other text stands/],
    ['{"qlog_version":"0.3","traces":[{"events":[{"time":}]}]}', /not JSON/],
    ['{"qlog_version":"0.3","traces":[{"events":[}', /brackets do not match/],
    ['{"qlog_version":"0.3","traces":[]}', /no trace with events/],
    [
      seq(HEADER, { time: 1, name: 'transport:packet_sent', data: {} }),
      /tells nothing of a congestion controller/,
    ],
    [`{"qlog_version":"0.3","title":"${'x'.repeat(1_100_000)}`, /longer than 1048576 characters/],
    [
      '{"qlog_version":"draft-01","traces":[{"events":[{"time":1,"name":"recovery:metrics_updated","data":{"cwnd":1}}],"configuration":{"time_units":"us"}}]}',
      /events come before what says how their times are written/,
    ],
  ])('%.60s', (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(LabError);
  });

  it('and nothing else is ever thrown', () => {
    const pieces = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        '\x1e',
        '\n',
        '1',
        '"events":[',
        '"qlog_version":"0.3"',
        '"time":1,',
      ],
      ...['"name":"recovery:metrics_updated",', '"data":{"congestion_window":5}', JSON.stringify(HEADER)],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (parts, size) => {
        try {
          read(parts.join(''), size);
        } catch (error) {
          expect(error).toBeInstanceOf(LabError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
