/**
 * Both handshake machines, fed anything at any stage. Input: a byte that chooses the stage, a byte with the size of
 * the pieces (0: all at once), then what arrives. Nothing may happen but a TlsAlert.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { ClientHandshake } from '../../src/main/quic/tls/client.ts';
import { ServerHandshake } from '../../src/main/quic/tls/server.ts';
import { SessionTickets } from '../../src/main/quic/tls/session-tickets.ts';
import { type Level, TlsAlert } from '../../src/main/quic/tls/types.ts';
import { makeVerifier } from '../../src/main/quic/tls/verify.ts';
import { QuicError } from '../../src/main/quic/wire/errors.ts';
import { make, NOW } from '../quic/tls/certificates.ts';
import { dataOf, deliver, drain, makeClient, makeServer, run, seededRandom } from '../quic/tls/pair.ts';
import type { FuzzTarget } from './target.ts';

/** Ed25519 keys from fixed seeds: the flights, and so the corpus, are the same in every run. */
function fixedKey(seed: number) {
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const root = make({ subject: 'root', keys: fixedKey(1), ca: true });
const middle = make({ subject: 'middle', keys: fixedKey(2), issuer: root, ca: 0 });
const leaf = make({
  subject: 'leaf',
  keys: fixedKey(3),
  issuer: middle,
  names: ['lab.example', '192.0.2.1'],
  keyUsage: 1,
  extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'],
});

const verify = makeVerifier({ ca: [root.pem], system: false }, 'lab.example', () => NOW);
const freshClient = (): ClientHandshake => {
  const client = makeClient({ groups: ['X25519'], verify });
  client.start();
  return client;
};
const freshServer = (): ServerHandshake =>
  makeServer({ certificate: [leaf.der, middle.der], privateKey: leaf.privateKey });

const client = freshClient();
const server = freshServer();
const clientHello = dataOf(drain(client));
deliver(server, clientHello);
const serverFlight = dataOf(drain(server));
deliver(client, serverFlight);
const clientFinished = dataOf(drain(client));
const ticket = Buffer.from('04000011' + '00001c20' + '00000000' + '0100' + '0002abcd' + '0000', 'hex');
ticket[3] = ticket.length - 4;

// A session that is resumed, with early data; and a server that asks for another key share.
/** Its tickets are not spent: each input finds them as they were. */
class Unspent extends SessionTickets {
  override claim(): boolean {
    return true;
  }
}
const tickets = new Unspent(seededRandom('tickets'), () => NOW);
const earlyData = { context: Buffer.from('limits') };
const knowingServer = (): ServerHandshake =>
  makeServer({ certificate: [leaf.der, middle.der], privateKey: leaf.privateKey }, { tickets, earlyData });
const resumption = run(makeClient({ verify }), knowingServer()).client.find(
  (event) => event.type === 'ticket',
)!.ticket;
const returningClient = (): ClientHandshake => {
  const machine = makeClient({ resume: { ticket: resumption, ageMs: 0 }, earlyData: true });
  machine.start();
  return machine;
};
const returning = returningClient();
const knowing = knowingServer();
const resumedHello = dataOf(drain(returning));
deliver(knowing, resumedHello);
const resumedFlight = dataOf(drain(knowing));
const choosyServer = (): ServerHandshake =>
  makeServer({ certificate: [leaf.der], privateKey: leaf.privateKey }, { groups: ['P-256'] });
const bothGroups = (): ClientHandshake => {
  const machine = makeClient();
  machine.start();
  return machine;
};
const asked = bothGroups();
const choosy = choosyServer();
const firstHello = dataOf(drain(asked));
deliver(choosy, firstHello);
const retryRequest = dataOf(drain(choosy));
deliver(asked, retryRequest);
const secondHello = dataOf(drain(asked));

interface Stage {
  level: Level;
  /** What arrives when nothing is wrong. */
  expected: Buffer;
  prepare(): ClientHandshake | ServerHandshake;
}

const STAGES: readonly Stage[] = [
  { level: 'initial', expected: clientHello[0]!.data, prepare: freshServer },
  { level: 'initial', expected: serverFlight[0]!.data, prepare: freshClient },
  {
    level: 'handshake',
    expected: serverFlight[1]!.data,
    prepare() {
      const machine = freshClient();
      deliver(machine, serverFlight.slice(0, 1));
      return machine;
    },
  },
  {
    level: 'handshake',
    expected: clientFinished[0]!.data,
    prepare() {
      const machine = freshServer();
      deliver(machine, clientHello);
      return machine;
    },
  },
  {
    level: 'application',
    expected: ticket,
    prepare() {
      const machine = freshClient();
      deliver(machine, serverFlight);
      return machine;
    },
  },
  { level: 'initial', expected: resumedHello[0]!.data, prepare: knowingServer },
  {
    level: 'handshake',
    expected: resumedFlight[1]!.data,
    prepare() {
      const machine = returningClient();
      deliver(machine, resumedFlight.slice(0, 1));
      return machine;
    },
  },
  { level: 'initial', expected: retryRequest[0]!.data, prepare: bothGroups },
  {
    level: 'initial',
    expected: secondHello[0]!.data,
    prepare() {
      const machine = choosyServer();
      deliver(machine, firstHello);
      return machine;
    },
  },
];

export const tls: FuzzTarget = {
  name: 'tls',
  // Each takes a handshake's worth of public-key operations.
  inputs: 500,
  seeds: STAGES.map(({ expected }, stage) => Buffer.concat([Buffer.from([stage, 0]), expected])),
  run(input: Buffer): void {
    const stage = STAGES[(input[0] ?? 0) % STAGES.length]!;
    const machine = stage.prepare();
    try {
      deliver(machine, [{ level: stage.level, data: input.subarray(2) }], input[1] || undefined);
    } catch (error) {
      // RFC 9001 §4.6.1 has a ticket's early_data closed with a code of QUIC's own.
      if (!(error instanceof TlsAlert || error instanceof QuicError)) throw error;
      // A verifier that threw something else than a catalogue error was hidden behind the alert.
      if (!(machine instanceof ServerHandshake) && machine.failure?.code === 'RL_INTERNAL')
        throw machine.failure;
    }
    drain(machine);
  },
};
