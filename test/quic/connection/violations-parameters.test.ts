/** Transport parameters that end the handshake with TRANSPORT_PARAMETER_ERROR (RFC 9000 §7.3, §7.4, §18.2). */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import type { TransportParameters } from '../../../src/main/quic/wire/transport-parameters.ts';
import { expectClose, hex, type Side } from './violations.ts';
import { Wiretap } from './wiretap.ts';

/** What the peer of the side under test says instead of what it should: other parameters, and bytes behind them. */
type Lie = { given?: Partial<TransportParameters>; without?: (keyof TransportParameters)[]; raw?: string };
const lies: { from: Side | null; lie: Lie } = { from: null, lie: {} };

vi.mock(import('../../../src/main/quic/wire/transport-parameters.ts'), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    encodeTransportParameters: (honest) => {
      const from = honest.originalDestinationConnectionId ? 'server' : 'client';
      if (from !== lies.from) return original.encodeTransportParameters(honest);
      const parameters = { ...honest, ...lies.lie.given };
      for (const name of lies.lie.without ?? []) delete parameters[name];
      return Buffer.concat([original.encodeTransportParameters(parameters), hex(lies.lie.raw ?? '')]);
    },
  };
});

afterEach(() => {
  lies.from = null;
});

/** A handshake in which the peer of `side` lies. */
function told(side: Side, lie: Lie): Wiretap {
  lies.from = side === 'client' ? 'server' : 'client';
  lies.lie = lie;
  const tap = new Wiretap();
  tap.pair.run(5_000_000);
  return tap;
}

const PREFERRED = `${'00'.repeat(24)}`;
const RESET_TOKEN = '11'.repeat(16);

describe.each(['client', 'server'] as const)('a %s is told', (side) => {
  it.each<[string, Lie]>([
    ['max_udp_payload_size below 1200', { given: { maxUdpPayloadSize: 1199 } }],
    ['ack_delay_exponent above 20', { given: { ackDelayExponent: 21 } }],
    ['max_ack_delay of 2^14', { given: { maxAckDelayMs: 2 ** 14 } }],
    ['active_connection_id_limit below 2', { given: { activeConnectionIdLimit: 1 } }],
    [
      'initial_max_streams_bidi above 2^60',
      { given: { initialMaxStreamsBidi: 0 }, raw: '08 08 d000000000000001' },
    ],
    [
      'initial_max_streams_uni above 2^60',
      { given: { initialMaxStreamsUni: 0 }, raw: '09 08 d000000000000001' },
    ],
    ['initial_max_data twice', { raw: '04 01 01' }],
    ['a parameter it does not know twice', { raw: '1b 01 00 1b 01 00' }],
    ['min_ack_delay above max_ack_delay', { given: { minAckDelayUs: 25_001 } }],
    ['a parameter that is cut off', { raw: '1b 09 00' }],
    ['a parameter without a length', { raw: '1b' }],
    ['an integer shorter than its length', { given: { maxUdpPayloadSize: 65527 }, raw: '03 05 4500000000' }],
    ['an integer longer than its length', { given: { maxUdpPayloadSize: 65527 }, raw: '03 01 45' }],
    ['disable_active_migration with a value', { raw: '0c 01 00' }],
    ['no initial_source_connection_id', { without: ['initialSourceConnectionId'] }],
    [
      'an initial_source_connection_id that is not in its packets',
      { given: { initialSourceConnectionId: Buffer.alloc(8, 1) } },
    ],
    [
      'an initial_source_connection_id of 21 bytes',
      { given: { initialSourceConnectionId: Buffer.alloc(21, 1) } },
    ],
  ])('%s', (_what, lie) => {
    expectClose(told(side, lie), side, TransportError.TRANSPORT_PARAMETER_ERROR);
  });
});

describe('a client is told', () => {
  it.each<[string, Lie]>([
    [
      'another original_destination_connection_id than it chose',
      { given: { originalDestinationConnectionId: Buffer.alloc(8, 1) } },
    ],
    ['no original_destination_connection_id', { without: ['originalDestinationConnectionId'] }],
    [
      'retry_source_connection_id although there was no Retry',
      { given: { retrySourceConnectionId: Buffer.alloc(8, 1) } },
    ],
    ['a reset token of 15 bytes', { given: { statelessResetToken: Buffer.alloc(15) } }],
    ['a preferred_address that is cut off', { raw: `0d 18 ${PREFERRED}` }],
    ['a preferred_address with an id of no bytes', { raw: `0d 29 ${PREFERRED} 00 ${RESET_TOKEN}` }],
    [
      'a preferred_address with an id of 21 bytes',
      { raw: `0d 3e ${PREFERRED} 15 ${'22'.repeat(21)} ${RESET_TOKEN}` },
    ],
  ])('%s', (_what, lie) => {
    expectClose(told('client', lie), 'client', TransportError.TRANSPORT_PARAMETER_ERROR);
  });
});

describe('a server is told', () => {
  it.each<[string, string]>([
    ['original_destination_connection_id', '00 08 0102030405060708'],
    ['stateless_reset_token', `02 10 ${RESET_TOKEN}`],
    ['preferred_address', `0d 31 ${PREFERRED} 08 ${'22'.repeat(8)} ${RESET_TOKEN}`],
    ['retry_source_connection_id', '10 08 0102030405060708'],
  ])('%s, which is not for clients to send', (_what, raw) => {
    expectClose(told('server', { raw }), 'server', TransportError.TRANSPORT_PARAMETER_ERROR);
  });
});

it('what is merely unknown, or at the edge of what may be, is taken', () => {
  for (const side of ['client', 'server'] as const) {
    const tap = told(side, {
      given: {
        maxUdpPayloadSize: 1200,
        ackDelayExponent: 20,
        maxAckDelayMs: 2 ** 14 - 1,
        activeConnectionIdLimit: 2,
        initialMaxStreamsBidi: 0,
      },
      raw: '08 08 d000000000000000 1b 03 010203 ffffffffffffffff 00 fffffffffffffffe 00',
    });
    expect(tap.pair.has(side, 'connected')).toBe(true);
    expect(tap.pair.closed(side)).toBeUndefined();
  }
});
