import { expect, test } from 'vitest';
import { selectGroups } from '../../../src/main/quic/tls/key-exchange.ts';
import { KeySchedule } from '../../../src/main/quic/tls/key-schedule.ts';
import { AES_128_GCM_SHA256 } from '../../../src/main/quic/tls/suites.ts';
import { RFC8448_RESUMED as resumed, RFC8448 as trace } from './rfc8448.ts';

test('the shared secret of RFC 8448 §3 comes from either private key', () => {
  const [x25519] = selectGroups(['X25519']);
  const client = x25519!.generate(() => trace.clientPrivateKey);
  const server = x25519!.generate(() => trace.serverPrivateKey);
  expect(client.agree(server.publicKey)).toEqual(trace.sharedSecret);
  expect(server.agree(client.publicKey)).toEqual(trace.sharedSecret);
});

test('all secrets of RFC 8448 §3 follow from its messages', () => {
  const schedule = new KeySchedule(AES_128_GCM_SHA256);
  schedule.update(trace.clientHello);
  schedule.update(trace.serverHello);
  const handshake = schedule.enterHandshake(trace.sharedSecret);
  expect(handshake).toEqual({ client: trace.clientHandshake, server: trace.serverHandshake });
  for (const message of [trace.encryptedExtensions, trace.certificate, trace.certificateVerify]) {
    schedule.update(message);
  }
  expect(schedule.finished(handshake.server)).toEqual(trace.serverFinished.subarray(4));
  schedule.update(trace.serverFinished);
  expect(schedule.enterApplication()).toEqual({
    client: trace.clientApplication,
    server: trace.serverApplication,
  });
  expect(schedule.finished(handshake.client)).toEqual(trace.clientFinished.subarray(4));
  schedule.update(trace.clientFinished);
  expect(schedule.resumptionPsk(resumed.ticketNonce)).toEqual(resumed.psk);
});

test('the binder and the early secret of RFC 8448 §4 follow from the PSK and its ClientHello', () => {
  const schedule = new KeySchedule(AES_128_GCM_SHA256, resumed.psk);
  expect(schedule.binder(resumed.truncatedClientHello)).toEqual(resumed.binder);
  schedule.update(Buffer.concat([resumed.truncatedClientHello, Buffer.from([0, 33, 32]), resumed.binder]));
  expect(schedule.clientEarlyTraffic()).toEqual(resumed.clientEarly);
});
