/** Where a load goes: the server that was named, or one on a thread of its own, and the path there. */
import { randomInt, X509Certificate } from 'node:crypto';
import { LabError } from '../../../shared/errors.ts';
import type { ConnectOptions } from '../../quic/udp/api.ts';
import { ask, type Threads } from '../../workers/ask.ts';
import type { EndpointWorkerMethods, RelayWorkerMethods } from '../../workers/protocol.ts';
import type { Address } from '../address.ts';
import { describePath } from '../emulate/describe.ts';
import { note } from '../output.ts';
import { issueIdentity, readIdentity, readTrust } from '../trust.ts';
import type { QuicTestSettings } from './settings.ts';

const HOST = '127.0.0.1';

/** The server, of mode test one on a thread of its own, and whom to trust there. */
export async function targetOf(
  { mode, server, addr, cert, key, insecure }: QuicTestSettings,
  threads: Threads,
): Promise<{ to: Address } & Pick<ConnectOptions, 'serverName' | 'trust'>> {
  const given = insecure ? { insecure } : {};
  if (mode === 'client') return { to: server!, serverName: server!.host, trust: readTrust(given) };
  const isOwn = cert !== null && key !== null;
  const { certificate, privateKey } = isOwn
    ? readIdentity(cert, key)
    : await issueIdentity(undefined, ['localhost', HOST]);
  const { host, port } = addr ?? { host: HOST, port: 0 };
  const listening = await ask<EndpointWorkerMethods, 'listen'>(threads.start('endpoint'), 'listen', {
    host,
    port,
    certificate,
    privateKey,
  });
  const to = { host: host === '0.0.0.0' ? HOST : host, port: listening.port };
  const trust = readTrust(given);
  if (!isOwn) return { to, serverName: 'localhost', trust };
  // Both ends are ours: what is shown by the one is known to the other, whoever issued it.
  return {
    to,
    serverName: insecure ? 'localhost' : nameIn(certificate),
    trust: { ...trust, ca: [...trust.ca, certificate] },
  };
}

/** One that the first certificate of a chain is for. Throws RL_INPUT_INVALID where there is none. */
function nameIn(pem: string): string {
  const { subjectAltName = '' } = new X509Certificate(pem);
  const name = /(?:^|, )(?:DNS|IP Address):([^,"]+)/.exec(subjectAltName)?.[1];
  if (name === undefined)
    throw new LabError('RL_INPUT_INVALID', '--cert: the certificate names no host in its subjectAltName', {
      field: '--cert',
      hint: 'Make one with a name, or take it unchecked with --insecure.',
    });
  return name.replace(/^\*\./, 'quic-test.');
}

export async function openPath(
  threads: Threads,
  to: Address,
  emulation: NonNullable<QuicTestSettings['emulation']>,
): Promise<Address> {
  const seed = randomInt(2 ** 32);
  note(`${describePath(emulation)}, seed ${seed}`);
  const relay = threads.start('relay');
  const { host, port } = await ask<RelayWorkerMethods, 'open'>(relay, 'open', {
    id: 'path',
    to,
    emulation,
    seed,
  });
  return { host, port };
}
