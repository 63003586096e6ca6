import { isDeepStrictEqual } from 'node:util';
import { QuicError, TransportError } from '../../src/main/quic/wire/errors.ts';
import {
  DEFAULT_PARAMETERS,
  decodeTransportParameters,
  encodeTransportParameters,
} from '../../src/main/quic/wire/transport-parameters.ts';
import type { FuzzTarget } from './target.ts';

function run(data: Buffer): void {
  for (const from of ['client', 'server'] as const) {
    try {
      const decoded = decodeTransportParameters(data, from);
      const again = decodeTransportParameters(encodeTransportParameters(decoded), from);
      if (!isDeepStrictEqual(again, decoded))
        throw new Error('parameters do not decode as they were encoded');
    } catch (error) {
      if (!(error instanceof QuicError) || error.code !== TransportError.TRANSPORT_PARAMETER_ERROR)
        throw error;
    }
  }
}

const client = {
  ...DEFAULT_PARAMETERS,
  maxIdleTimeoutMs: 30_000,
  maxUdpPayloadSize: 1452,
  initialMaxData: 2 ** 24,
  initialMaxStreamDataBidiLocal: 2 ** 20,
  initialMaxStreamDataBidiRemote: 2 ** 20,
  initialMaxStreamDataUni: 2 ** 20,
  initialMaxStreamsBidi: 100,
  initialMaxStreamsUni: 3,
  ackDelayExponent: 8,
  maxAckDelayMs: 26,
  disableActiveMigration: true,
  activeConnectionIdLimit: 8,
  initialSourceConnectionId: Buffer.alloc(8, 1),
  maxDatagramFrameSize: 65_535,
  minAckDelayUs: 1000,
};

export const transportParameters: FuzzTarget = {
  name: 'transport-parameters',
  seeds: [
    encodeTransportParameters(client),
    encodeTransportParameters({
      ...client,
      originalDestinationConnectionId: Buffer.alloc(8, 2),
      retrySourceConnectionId: Buffer.alloc(20, 3),
      statelessResetToken: Buffer.alloc(16, 4),
    }),
    // preferred_address, with a connection ID of four bytes.
    Buffer.from(`0d2d${'01'.repeat(24)}04${'02'.repeat(20)}`, 'hex'),
    // Reserved parameters (RFC 9000 §18.1).
    Buffer.from('1b0401020304403a00', 'hex'),
  ],
  run,
};
