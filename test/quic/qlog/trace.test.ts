/** The qlog of both ends of a connection, held against the drafts and against what the connection itself counted. */
import { describe, expect, it } from 'vitest';
import type { Observer, Origin } from '../../../src/main/quic/connection/observer.ts';
import { type QlogFormat, qlogTrace } from '../../../src/main/quic/qlog/trace.ts';
import { writeVersionNegotiation } from '../../../src/main/quic/wire/header.ts';
import { writeRetry } from '../../../src/main/quic/wire/retry.ts';
import { Pair, type PairOptions, readAll, SERVER } from '../connection/pair.ts';
import { Wiretap } from '../connection/wiretap.ts';
import { type Log, parseJsonSeq, readQlog } from './schema.ts';

/** Two traces in memory: as options for a pair, and as what was written. */
function traces(format?: QlogFormat) {
  const text = { client: '', server: '' };
  const ended = { client: 0, server: 0 };
  const observer =
    (side: 'client' | 'server') =>
    (origin: Origin): Observer => {
      const sink = {
        write: (record: string) => {
          text[side] += record;
        },
        end: () => {
          ended[side]++;
        },
      };
      return qlogTrace(origin, sink, {
        local: { address: side === 'client' ? '192.0.2.1' : '2001:db8::2', port: 4433 },
        unixMs: Date.UTC(2026, 10, 21),
        format,
      });
    };
  const logged = (options: PairOptions = {}): PairOptions => ({
    ...options,
    client: { ...options.client, observer: observer('client') },
    server: { ...options.server, observer: observer('server') },
  });
  return { text, ended, logged, log: (side: 'client' | 'server'): Log => readQlog(text[side]) };
}

/** 200 kB up and 100 kB down, DATAGRAMs, a key update and MTU discovery on a path that loses a datagram in eleven. */
function lossySession(trace: ReturnType<typeof traces>): Pair {
  const pair = new Pair(
    trace.logged({
      drop: (_, n) => n % 11 === 9,
      client: { maxDatagramBytes: 1472 },
      server: { maxDatagramBytes: 1472 },
    }),
  );
  pair.connect();
  const id = pair.client.openStream(false)!;
  pair.client.write(id, Buffer.alloc(200_000));
  pair.client.finish(id);
  const up: Buffer[] = [];
  pair.run(10_000_000, () => pair.server!.isOpen && pair.has('server', 'stream-opened'));
  pair.run(10_000_000, () => readAll(pair.server!, id, up));
  pair.server!.write(id, Buffer.alloc(100_000));
  pair.server!.finish(id);
  expect(pair.client.updateKeys(pair.nowUs)).toBe(true);
  pair.client.sendDatagram(Buffer.from('ping'));
  const down: Buffer[] = [];
  pair.run(10_000_000, () => readAll(pair.client, id, down));
  pair.run(1_000_000);
  return pair;
}

const numbers = (log: Log, name: 'packet_sent' | 'packet_received'): string[] =>
  log.all(name).map(({ header }) => `${header.packet_type} ${header.packet_number}`);

describe('the qlog of a lossy session', () => {
  const trace = traces();
  const pair = lossySession(trace);
  const sent = { client: pair.client.stats(), server: pair.server!.stats() };
  pair.client.close(7, 'done', pair.nowUs);
  pair.run(10_000_000);
  const logs = { client: trace.log('client'), server: trace.log('server') };

  it.each(['client', 'server'] as const)('is what the drafts define, at the %s, in order of time', (side) => {
    const { header, events } = logs[side];
    expect(header.trace.vantage_point.type).toBe(side);
    expect(header.trace.common_fields.reference_time.wall_clock_time).toBe('2026-11-21T00:00:00.000Z');
    for (const [i, { time }] of events.entries())
      expect(time).toBeGreaterThanOrEqual(events[i - 1]?.time ?? 0);
    expect(trace.ended[side]).toBe(1);
  });

  it('would not pass with a field, a value or an event that the drafts do not define', () => {
    const text = trace.text.client;
    const changed = [
      text.replace('"packet_type":"initial"', '"packet_type":"first"'),
      text.replace('"packet_number":0', '"packet_number":0,"colour":"red"'),
      text.replace('"quic:packet_sent"', '"quic:packet_gone"'),
      text.replace('"frame_type":"crypto","offset":0,', '"frame_type":"crypto",'),
      text.replace('"time_format":"relative_to_epoch"', '"time_format":"relative"'),
      text.slice(0, -1),
      text.slice(1),
    ];
    for (const wrong of changed) expect(() => readQlog(wrong)).toThrow();
  });

  it('has the same group at both ends: the id that the client invented', () => {
    const { group_id } = logs.client.header.trace.common_fields;
    expect(logs.server.header.trace.common_fields.group_id).toBe(group_id);
    expect(logs.client.all('packet_sent')[0]!.header.dcid).toBe(group_id);
  });

  it.each(['client', 'server'] as const)('has every packet the %s sent, numbers rising', (side) => {
    const log = logs[side];
    const last = new Map<string, number>();
    for (const { header } of log.all('packet_sent')) {
      expect(header.packet_number).toBeGreaterThan(last.get(header.packet_type) ?? -1);
      last.set(header.packet_type, header.packet_number!);
    }
    const atTheEnd = (side === 'client' ? pair.client : pair.server!).stats();
    expect(log.all('packet_sent')).toHaveLength(atTheEnd.packetsSent);
    const bytes = log.all('packet_sent').reduce((sum, { raw }) => sum + raw!.length!, 0);
    expect(bytes).toBe(atTheEnd.bytesSent);
    expect(log.all('udp_datagrams_sent').reduce((sum, { raw }) => sum + raw![0]!.length!, 0)).toBe(bytes);
  });

  it('has what arrived of it at the other end, with the same frames', () => {
    for (const [from, to] of [
      ['client', 'server'],
      ['server', 'client'],
    ] as const) {
      const key = (header: { packet_type: string; packet_number?: number | undefined }): string =>
        `${header.packet_type} ${header.packet_number}`;
      const sentFrames = new Map(
        logs[from].all('packet_sent').map((data) => [key(data.header), data.frames]),
      );
      const arrived = logs[to].all('packet_received');
      expect(arrived.length).toBeGreaterThan(10);
      for (const { header, frames } of arrived) expect(frames).toEqual(sentFrames.get(key(header)));
    }
  });

  it.each(['client', 'server'] as const)('counts losses as the %s does', (side) => {
    const lost = logs[side].all('packet_lost').filter(({ is_mtu_probe_packet }) => !is_mtu_probe_packet);
    expect(sent[side].packetsLost).toBeGreaterThan(0);
    expect(lost).toHaveLength(sent[side].packetsLost);
    const all = new Set(numbers(logs[side], 'packet_sent'));
    for (const { header } of lost) expect(all).toContain(`${header!.packet_type} ${header!.packet_number}`);
  });

  it('ends with the metrics the connection ended with', () => {
    const last = (name: 'congestion_window' | 'smoothed_rtt' | 'min_rtt' | 'rtt_variance'): number =>
      logs.client.all('recovery_metrics_updated').findLast((metrics) => metrics[name] !== undefined)![name]!;
    expect(last('congestion_window')).toBe(Math.floor(sent.client.cwndBytes));
    expect(last('smoothed_rtt') * 1000).toBeCloseTo(sent.client.smoothedRttUs!, 2);
    expect(last('rtt_variance') * 1000).toBeCloseTo(sent.client.rttVarUs!, 2);
    expect(last('min_rtt') * 1000).toBeCloseTo(sent.client.minRttUs!, 2);
  });

  it('names only metrics that changed', () => {
    const before: Record<string, unknown> = {};
    for (const metrics of logs.client.all('recovery_metrics_updated')) {
      for (const [name, value] of Object.entries(metrics)) expect(before[name]).not.toBe(value);
      Object.assign(before, metrics);
    }
  });

  it('tells the handshake: versions, application protocol, parameters of both, cipher, states', () => {
    const { client, server } = logs;
    expect(client.all('version_information')).toEqual([
      { client_versions: ['00000001'], chosen_version: '00000001' },
    ]);
    expect(client.all('alpn_information')).toEqual([
      { client_alpns: [{ string_value: 'test' }] },
      { chosen_alpn: { string_value: 'test' } },
    ]);
    const of = (log: Log, who: 'local' | 'remote') =>
      log.all('parameters_set').find(({ initiator }) => initiator === who)!;
    expect({ ...of(server, 'remote'), initiator: 'local' }).toEqual(of(client, 'local'));
    expect({ ...of(client, 'remote'), initiator: 'local' }).toEqual(of(server, 'local'));
    expect(client.all('parameters_set').some(({ tls_cipher }) => tls_cipher === 'AES_128_GCM_SHA256')).toBe(
      true,
    );
    expect(client.all('connection_state_updated').map((change) => change.new)).toEqual([
      'attempted',
      // The server's whole flight came in one datagram.
      'handshake_complete',
      'handshake_confirmed',
      'closing',
      'closed',
    ]);
    expect(server.all('connection_state_updated').map((change) => change.new)).toEqual([
      'handshake_started',
      'handshake_confirmed',
      'draining',
      'closed',
    ]);
  });

  it('tells of keys: made, updated by one end and followed by the other, discarded', () => {
    const updates = (log: Log) => log.all('key_updated').filter(({ key_phase }) => key_phase === 1);
    const both = ['client_1rtt_secret', 'server_1rtt_secret'];
    expect(updates(logs.client)).toEqual(
      both.map((key_type) => ({ key_type, key_phase: 1, trigger: 'local_update' })),
    );
    expect(updates(logs.server)).toEqual(
      both.map((key_type) => ({ key_type, key_phase: 1, trigger: 'remote_update' })),
    );
    for (const log of [logs.client, logs.server]) {
      expect(log.all('key_discarded').map(({ key_type }) => key_type)).toEqual(
        expect.arrayContaining(['client_initial_secret', 'server_handshake_secret']),
      );
      // Every 1-RTT packet says which keys it is under, and none goes back.
      const phases = log.all('packet_sent').flatMap(({ header }) => header.key_phase ?? []);
      expect(phases).toEqual([...phases].sort());
      expect(phases.at(-1)).toBe(1);
    }
  });

  it('tells of the path MTU, found with probes', () => {
    expect(logs.client.all('mtu_updated')).toEqual([{ old: 1350, new: 1472 }]);
    expect(logs.client.all('packet_sent').some(({ is_mtu_probe_packet }) => is_mtu_probe_packet)).toBe(true);
  });

  it('tells why it ended, and who ended it', () => {
    const closed = { application_error: 'unknown', error_code: 7, reason: 'done', trigger: 'application' };
    expect(logs.client.all('connection_closed')).toEqual([{ ...closed, initiator: 'local' }]);
    expect(logs.server.all('connection_closed')).toEqual([{ ...closed, initiator: 'remote' }]);
  });

  it('holds no secret and no content', () => {
    for (const text of Object.values(trace.text)) {
      expect(text).not.toMatch(/reset_token|"data":"(?!.{16}")/);
      expect(text).not.toContain(Buffer.from('ping').toString('hex'));
    }
  });
});

describe('the same in the words of qvis', () => {
  const trace = traces('qvis');
  const pair = lossySession(trace);
  const [header, ...events] = parseJsonSeq(trace.text.client) as [
    { qlog_version: string; qlog_format: string; trace: { common_fields: Record<string, unknown> } },
    // biome-ignore lint/suspicious/noExplicitAny: read as qvis reads it, by name
    ...{ name: string; time: number; data: any }[],
  ];
  const all = (name: string) => events.filter((event) => event.name === name).map(({ data }) => data);

  it('says that it is 0.3, with times relative to a wall clock', () => {
    expect(header).toMatchObject({ qlog_version: '0.3', qlog_format: 'JSON-SEQ' });
    expect(header.trace.common_fields).toMatchObject({
      time_format: 'relative',
      reference_time: Date.UTC(2026, 10, 21),
    });
  });

  it('has the fields its congestion graph reads', () => {
    const packets = all('transport:packet_sent');
    expect(packets).toHaveLength(pair.client.stats().packetsSent);
    for (const { header, raw } of packets) {
      expect(header).toMatchObject({ packet_type: expect.any(String), packet_number: expect.any(Number) });
      expect(raw.length).toBeGreaterThan(0);
    }
    const ranges = all('transport:packet_received').flatMap(({ frames }) =>
      frames.flatMap((frame: { acked_ranges?: unknown[] }) => frame.acked_ranges ?? []),
    );
    expect(ranges.length).toBeGreaterThan(10);
    for (const range of ranges) expect(range).toEqual([expect.any(Number), expect.any(Number)]);
    expect(all('recovery:packet_lost').length).toBeGreaterThanOrEqual(pair.client.stats().packetsLost);
    const metrics = Object.assign({}, ...all('recovery:metrics_updated'));
    expect(Object.keys(metrics)).toEqual(
      expect.arrayContaining([
        'bytes_in_flight',
        'congestion_window',
        'min_rtt',
        'smoothed_rtt',
        'latest_rtt',
      ]),
    );
  });

  it('has the lengths its multiplexing and packetization diagrams read', () => {
    const frames = all('transport:packet_sent').flatMap((data) => data.frames);
    const streams = frames.filter(({ frame_type }) => frame_type === 'stream');
    expect(streams.length).toBeGreaterThan(100);
    for (const frame of streams) {
      expect(frame).toMatchObject({ stream_id: 0, offset: expect.any(Number), length: expect.any(Number) });
    }
    expect(frames.find(({ frame_type }) => frame_type === 'padding').payload_length).toBeGreaterThan(0);
    expect(all('connectivity:connection_started')).toEqual([
      expect.objectContaining({ ip_version: 'v4', src_ip: '192.0.2.1', src_port: 4433, dst_ip: '192.0.2.2' }),
    ]);
    expect(all('transport:alpn_information')).toEqual([{ client_alpns: ['test'] }, { chosen_alpn: 'test' }]);
  });
});

describe('the qlog tells of', () => {
  it('a Retry', () => {
    const trace = traces();
    const token = Buffer.from('token');
    const pair = new Pair(
      trace.logged({
        retry: (first) =>
          writeRetry({ dcid: first.scid, scid: Buffer.alloc(8, 9), token, originalDcid: first.dcid }),
        validated: { retryOf: null },
      }),
    );
    pair.run(100_000);
    const log = trace.log('client');
    expect(log.all('packet_received')[0]!.header).toMatchObject({
      packet_type: 'retry',
      scid: '0909090909090909',
      token: { type: 'retry', raw: { length: 5 } },
    });
    expect(log.all('packet_sent')[1]!.header).toMatchObject({
      packet_type: 'initial',
      token: { raw: { length: 5 } },
    });
    expect(trace.text.client).not.toContain(token.toString('hex'));
  });

  it('versions that do not meet', () => {
    const trace = traces();
    const pair = new Pair(
      trace.logged({ retry: (first) => writeVersionNegotiation(first.scid, first.dcid, [0x1a2a3a4a]) }),
    );
    pair.run(1_000_000);
    const log = trace.log('client');
    expect(log.all('version_information').at(-1)).toEqual({
      server_versions: ['1a2a3a4a'],
      client_versions: ['00000001'],
    });
    expect(log.all('connection_closed')).toMatchObject([{ trigger: 'version_mismatch' }]);
  });

  it('silence: the timer that expires, the probes, and the end', () => {
    const trace = traces();
    const pair = new Pair(trace.logged({ client: { idleTimeoutMs: 5_000 } }));
    pair.connect();
    pair.run(1_000_000);
    pair.paths.clear();
    pair.client.sendDatagram(Buffer.from('is anybody there'));
    pair.run(20_000_000);
    const log = trace.log('client');
    const { ptoCount } = pair.client.stats();
    expect(ptoCount).toBeGreaterThan(1);
    expect(log.all('timer_updated').filter(({ event_type }) => event_type === 'expired')).toHaveLength(
      ptoCount,
    );
    expect(log.all('packet_sent').filter(({ trigger }) => trigger === 'pto_probe').length).toBeGreaterThan(1);
    expect(log.all('connection_closed')).toMatchObject([{ initiator: 'local', trigger: 'idle_timeout' }]);
    expect(trace.ended.client).toBe(1);
  });

  it('a client that moves', () => {
    const trace = traces();
    const pair = new Pair(trace.logged());
    pair.connect();
    pair.run(500_000);
    const other = { ...SERVER };
    pair.paths.set(other, { address: '198.51.100.9', port: 5 });
    expect(pair.client.migrate(other)).toBe(true);
    pair.run(500_000);
    pair.client.sendDatagram(Buffer.from('here'));
    pair.run(500_000);
    const { client, server } = { client: trace.log('client'), server: trace.log('server') };
    expect(client.all('migration_state_updated')).toMatchObject([
      { new: 'migration_complete', tuple_id: '1' },
    ]);
    expect(server.all('tuple_assigned')).toEqual([
      { tuple_id: '1', tuple_remote: { ip_v4: '198.51.100.9', port_v4: 5 } },
    ]);
    expect(server.all('migration_state_updated').at(-1)).toMatchObject({
      new: 'migration_complete',
      tuple_id: '1',
    });
    expect(client.events.findLast(({ name }) => name === 'quic:packet_sent')!.tuple).toBe('1');
    // RFC 9000 §9.5: another id on another path.
    const ids = client.events.filter(
      ({ name, tuple }) => name === 'quic:connection_id_updated' && tuple === '1',
    );
    expect(ids.length).toBeGreaterThan(0);
  });

  it('packets that are dropped, and why', () => {
    const trace = traces();
    const tap = new Wiretap(trace.logged());
    const { pair } = tap;
    pair.connect();
    const before = trace.log('client').all('packet_dropped').length;
    pair.inject('down', Buffer.alloc(40));
    const known = Buffer.concat([Buffer.from([0x40]), pair.client.localId, Buffer.alloc(40, 5)]);
    pair.inject('down', known);
    pair.inject('down', Buffer.concat([Buffer.from([0x40]), Buffer.alloc(50, 5)]));
    expect(trace.log('client').all('packet_dropped').slice(before)).toEqual([
      { raw: { length: 40 }, datagram_id: expect.any(Number), trigger: 'invalid' },
      {
        header: { packet_type: '1RTT' },
        raw: { length: 49 },
        datagram_id: expect.any(Number),
        trigger: 'decryption_failure',
      },
      {
        header: { packet_type: '1RTT' },
        raw: { length: 51 },
        datagram_id: expect.any(Number),
        trigger: 'connection_unknown',
      },
    ]);
  });

  it('packets that came before their keys', () => {
    const trace = traces();
    // The client's Finished comes after what it sent next.
    const pair = new Pair(
      trace.logged({ extraUs: (direction, n) => (direction === 'up' && n === 1 ? 5_000 : 0) }),
    );
    pair.run(100_000, () => pair.has('client', 'connected'));
    pair.client.sendDatagram(Buffer.from('early'));
    pair.connect();
    pair.run(100_000);
    expect(pair.has('server', 'datagram')).toBe(true);
    const log = trace.log('server');
    expect(log.all('packet_buffered').length).toBeGreaterThan(0);
    expect(log.all('packet_received').filter(({ trigger }) => trigger === 'keys_available')).toHaveLength(
      log.all('packet_buffered').length,
    );
  });
});
