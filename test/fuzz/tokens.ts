import { createHash } from 'node:crypto';
import { AddressTokens } from '../../src/main/quic/connection/address-tokens.ts';
import { SessionTickets } from '../../src/main/quic/tls/session-tickets.ts';
import { parseHeader } from '../../src/main/quic/wire/header.ts';
import { isRetryAuthentic, writeRetry } from '../../src/main/quic/wire/retry.ts';
import type { FuzzTarget } from './target.ts';

/** The same bytes in every run, so that a failure can be repeated. */
let counter = 0;
const bytes = (n: number): Buffer => {
  const out = Buffer.alloc(n);
  for (let done = 0; done < n; ) {
    done += createHash('sha256').update(`token ${counter++}`).digest().copy(out, done);
  }
  return out;
};

const tokens = new AddressTokens(bytes);
const from = { address: '192.0.2.1', port: 4433 };
const NOW = 1_800_000_000_000;
const dcid = bytes(8);
const scid = bytes(8);
const genuine = [tokens.forRetry(from, dcid, scid, NOW), tokens.forLater(from, NOW)];
const retry = writeRetry({ dcid, scid, token: genuine[0]!, originalDcid: dcid });

/** Whatever is not a token of ours, byte for byte, is worth nothing; and so with a Retry but for its four unused bits. */
function run(data: Buffer): void {
  const opened = tokens.open(data, from, scid, NOW);
  const isOurs = genuine.some((token) => token.equals(data));
  if (opened !== null && opened.kind !== 'bad-retry' && !isOurs) throw new Error('a forged token was taken');
  const header = parseHeader(data, 0, 8);
  if (header?.form !== 'long' || header.type !== 'retry' || !isRetryAuthentic(data, header, dcid)) return;
  if (!data.equals(retry)) throw new Error('a forged Retry was taken');
}

const tickets = new SessionTickets(bytes, () => NOW);
const issued = tickets.issue({
  psk: bytes(32),
  suite: 0x1301,
  alpn: 'h3',
  serverName: 'localhost',
  earlyContext: bytes(40),
});

/** As above, of session tickets. */
function redeem(data: Buffer): void {
  if (tickets.redeem(data, issued.ageAdd) && !data.equals(issued.ticket))
    throw new Error('a forged ticket was taken');
}

export const sessionTickets: FuzzTarget = { name: 'session-tickets', seeds: [issued.ticket], run: redeem };

export const addressTokens: FuzzTarget = { name: 'address-tokens', seeds: [...genuine, retry], run };
