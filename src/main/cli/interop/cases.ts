/**
 * The interop cases, in the words of quic-interop-runner, each for either role of ours. What a case needs of the network comes
 * from our own path emulator, and from a middlebox that counts, drops, spoils and rebinds.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { LinkSettings } from '../../../shared/domain.ts';
import { Rng } from '../../path/rng.ts';
import type { Exchange, Outcome } from './exchange.ts';
import { HQ } from './files.ts';
import type { Middlebox, Way } from './middlebox.ts';
import { NotApplicable } from './peer.ts';

export interface Case {
  name: string;
  about: string;
  /** Throws NotApplicable, or an Error that says what went wrong; what it returns is shown beside the pass. */
  run(exchange: Exchange): Promise<string | undefined>;
}

const SMALL = '/small';
const MEDIUM = '/medium';
const LARGE = ['/large-1', '/large-2', '/large-3'];

/** Files that the cases ask for, bytes by path. */
export const FILES: Readonly<Record<string, number>> = {
  [SMALL]: 5_000,
  [MEDIUM]: 1_000_000,
  ...Object.fromEntries(LARGE.map((path, i) => [path, (i + 2) * 1_000_000])),
  ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`/many-${i}`, 32])),
};
const MANY = Object.keys(FILES).filter((path) => path.startsWith('/many-'));

/** Ten round trips of a long path. */
const LONG_DELAY_MS = 375;
const HANDSHAKES = 10;
const SECOND_TRIES = 2;
const GOODPUT_BPS = 10e6;

const link = (settings: Partial<LinkSettings>): LinkSettings => ({
  rateBps: null,
  delayMs: 0,
  jitterMs: 0,
  lossRatio: 0,
  bufferBytes: null,
  ...settings,
});

function expect(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}

/** Spoils about one datagram in `period`, the same ones in every run. */
function oneIn(period: number): () => boolean {
  const rng = Rng.fromSeed(1);
  return () => rng.float() < 1 / period;
}

/**
 * So many handshakes in a row. An end that gives up in such weather may try once more, as a user would: how patient it is is no
 * matter of understanding.
 */
async function handshakes(make: (seed: number) => Promise<unknown>): Promise<string | undefined> {
  let again = 0;
  for (let i = 1; i <= HANDSHAKES; i++) {
    try {
      await make(i);
    } catch (error) {
      if (++again > SECOND_TRIES) throw error;
      await make(HANDSHAKES + i);
    }
  }
  return again > 0 ? `${again} tried twice` : undefined;
}

const mbps = ({ seconds, bytes }: Outcome): string => `${((8 * bytes) / seconds / 1e6).toFixed(2)} Mbit/s`;

export const CASES: readonly Case[] = [
  {
    name: 'handshake',
    about: 'the handshake completes, the certificate is verified, a small file arrives',
    run: async (exchange) => {
      await exchange.transfer({ paths: [SMALL] });
      return undefined;
    },
  },
  {
    name: 'transfer',
    about: 'three files of 2 to 4 MB at once, more than the first windows of flow control',
    run: async (exchange) => mbps(await exchange.transfer({ paths: LARGE })),
  },
  {
    name: 'multiplexing',
    about: '200 files on streams of their own, more than may be open at once',
    run: async (exchange) => {
      await exchange.transfer({ paths: MANY });
      return undefined;
    },
  },
  {
    name: 'retry',
    about: 'the server validates the client’s address with a Retry',
    run: async (exchange) => {
      const { handshake } = await exchange.transfer({ paths: [SMALL], retry: true });
      expect(handshake.retried, 'there was no Retry');
      return undefined;
    },
  },
  {
    name: 'resumption',
    about: 'a second connection resumes the session of the first',
    run: async (exchange) => {
      const { handshake } = await exchange.transfer({ paths: [SMALL], again: true });
      expect(handshake.resumed, 'the session was not resumed');
      return undefined;
    },
  },
  {
    name: 'zerortt',
    about: 'the second connection’s request goes ahead of its handshake, and is taken',
    run: async (exchange) => {
      const { handshake } = await exchange.transfer({ paths: [SMALL], again: true, early: true });
      expect(handshake.earlyData === 'accepted', `early data was ${handshake.earlyData ?? 'not sent'}`);
      return undefined;
    },
  },
  {
    name: 'keyupdate',
    about: 'keys are updated while files arrive',
    run: async (exchange) => {
      const path = link({ delayMs: 20, rateBps: 50e6 });
      const { stats } = await exchange.transfer({ paths: LARGE, keyUpdate: true, up: path, down: path });
      expect(stats.keyUpdates > 0, 'no key was updated');
      return `${stats.keyUpdates} updates`;
    },
  },
  {
    name: 'chacha20',
    about: 'nothing but ChaCha20-Poly1305 is offered',
    run: async (exchange) => {
      const name = 'TLS_CHACHA20_POLY1305_SHA256';
      const { handshake } = await exchange.transfer({ paths: [SMALL], cipherSuites: [name] });
      expect(handshake.cipherSuite === name, `it was ${handshake.cipherSuite}`);
      return undefined;
    },
  },
  {
    name: 'http3',
    about: 'the files come over HTTP/3',
    run: async (exchange) => {
      if (!exchange.peer.alpn.includes('h3')) throw new NotApplicable('it has no HTTP/3');
      await exchange.transfer({ paths: [SMALL, MEDIUM], alpn: 'h3' });
      return undefined;
    },
  },
  {
    name: 'ipv6',
    about: 'over IPv6',
    run: async (exchange) => {
      await exchange.transfer({ paths: [SMALL], host: '::1' });
      return undefined;
    },
  },
  {
    name: 'versionnegotiation',
    about: 'a first packet of another version is answered with a list that has version 1',
    run: async (exchange) => {
      if (exchange.role === 'server') await exchange.transfer({ paths: [SMALL], unknownVersion: true });
      else await exchange.withServer(askForUnknownVersion);
      return undefined;
    },
  },
  {
    name: 'datagram',
    about: 'ten DATAGRAMs and their echoes (RFC 9221)',
    run: async (exchange) => {
      if (!exchange.peer.alpn.includes(HQ)) throw new NotApplicable('its programs echo no DATAGRAMs');
      await exchange.transfer({ paths: [SMALL], datagrams: true, alpn: HQ });
      return undefined;
    },
  },
  {
    name: 'connectionmigration',
    about: 'the client moves to another port of its own accord, and the transfer goes on',
    run: async (exchange) => {
      const path = link({ delayMs: 20, rateBps: 50e6 });
      const { stats } = await exchange.transfer({ paths: LARGE, migrate: true, up: path, down: path });
      expect(stats.migrations > 0, 'nothing moved');
      return undefined;
    },
  },
  {
    name: 'pathmtu',
    about: 'datagrams grow to what the path and the peer take',
    run: async (exchange) => {
      const { stats } = await exchange.transfer({ paths: LARGE });
      expect(stats.datagramBytes > 1400, `datagrams stayed at ${stats.datagramBytes} bytes`);
      return `${stats.datagramBytes} bytes`;
    },
  },
  {
    name: 'longrtt',
    about: 'a path of 750 ms there and back',
    run: async (exchange) => {
      const path = link({ delayMs: LONG_DELAY_MS });
      await exchange.transfer({ paths: [SMALL], up: path, down: path });
      return undefined;
    },
  },
  {
    name: 'blackhole',
    about: 'the path is cut for a second in the middle of a transfer',
    run: async (exchange) => {
      const path = link({ delayMs: 15, rateBps: GOODPUT_BPS });
      let cutUntilMs = 0;
      let cut = 0;
      const drop = (): boolean => {
        const isCut = performance.now() < cutUntilMs;
        if (isCut) cut++;
        return isCut;
      };
      await exchange.transfer({
        paths: [LARGE[0]!],
        up: path,
        down: path,
        interference: { drop },
        during: async () => {
          await new Promise((resolve) => setTimeout(resolve, 500));
          cutUntilMs = performance.now() + 1000;
        },
      });
      expect(cut > 0, 'the transfer was over before the path was cut');
      return `${cut} datagrams`;
    },
  },
  {
    name: 'handshakeloss',
    about: `${HANDSHAKES} handshakes while 30 % of all packets are lost`,
    run: async (exchange) => {
      const path = link({ delayMs: 15, lossRatio: 0.3 });
      return handshakes((seed) => exchange.transfer({ paths: [SMALL], up: path, down: path, seed }));
    },
  },
  {
    name: 'transferloss',
    about: 'a megabyte while 2 % of all packets are lost',
    run: async (exchange) => {
      const path = link({ delayMs: 15, rateBps: GOODPUT_BPS, lossRatio: 0.02 });
      return mbps(await exchange.transfer({ paths: [MEDIUM], up: path, down: path }));
    },
  },
  {
    name: 'handshakecorruption',
    about: `${HANDSHAKES} handshakes while a byte is changed in 30 % of all packets`,
    run: async (exchange) => {
      const path = link({ delayMs: 15 });
      const hit = oneIn(3);
      const interference = { spoil: hit };
      return handshakes(() => exchange.transfer({ paths: [SMALL], up: path, down: path, interference }));
    },
  },
  {
    name: 'transfercorruption',
    about: 'a megabyte while a byte is changed in 2 % of all packets',
    run: async (exchange) => {
      const path = link({ delayMs: 15, rateBps: GOODPUT_BPS });
      return mbps(
        await exchange.transfer({
          paths: [MEDIUM],
          up: path,
          down: path,
          interference: { spoil: oneIn(50) },
        }),
      );
    },
  },
  {
    name: 'amplificationlimit',
    about: 'a server sends no more than three times what came, while the client’s answers are lost',
    run: async (exchange) => {
      if (exchange.role === 'client')
        throw new NotApplicable('it is its server’s to keep, and not ours to judge');
      const path = link({ delayMs: 15 });
      const { worstAmplification } = await exchange.transfer({
        paths: [SMALL],
        longChain: true,
        up: path,
        down: path,
        // Its first flight gets through, then nothing for a while.
        interference: { drop: (way: Way, n: number) => way === 'up' && n >= 2 && n < 8 },
      });
      expect(worstAmplification <= 3, `${worstAmplification.toFixed(2)} times`);
      return `${worstAmplification.toFixed(2)} ×`;
    },
  },
  {
    name: 'rebind-port',
    about: 'a NAT changes the client’s port in the middle of a transfer',
    run: async (exchange) => {
      const path = link({ delayMs: 15, rateBps: GOODPUT_BPS });
      let box: Middlebox | null = null;
      let before = 0;
      await exchange.transfer({
        paths: [LARGE[0]!],
        up: path,
        down: path,
        during: async (middlebox) => {
          await new Promise((resolve) => setTimeout(resolve, 500));
          await middlebox.rebind();
          box = middlebox;
          before = middlebox.datagrams.down;
        },
      });
      // Assigned meanwhile, which the compiler does not see.
      const after = ((box as Middlebox | null)?.datagrams.down ?? 0) - before;
      expect(after > 100, 'the transfer was over before the port changed');
      return undefined;
    },
  },
  {
    name: 'goodput',
    about: '4 MB over 10 Mbit/s and 30 ms: at least 60 % of the rate',
    run: async (exchange) => {
      const path = link({ delayMs: 15, rateBps: GOODPUT_BPS });
      const outcome = await exchange.transfer({ paths: [LARGE[2]!], up: path, down: path });
      expect((8 * outcome.bytes) / outcome.seconds >= 0.6 * GOODPUT_BPS, mbps(outcome));
      return mbps(outcome);
    },
  },
  {
    name: 'crosstraffic',
    about: '2 MB over 10 Mbit/s and 30 ms beside another such transfer of ours',
    run: async (exchange) => {
      const path = link({ delayMs: 15, rateBps: GOODPUT_BPS });
      return mbps(await exchange.transfer({ paths: [LARGE[0]!], up: path, down: path, crossTraffic: true }));
    },
  },
];

/** Sends a padded first packet of a version that does not exist (RFC 9000 §6, RFC 8999 §6). */
async function askForUnknownVersion(host: string, port: number, signal: AbortSignal): Promise<void> {
  const datagram = Buffer.alloc(1200);
  datagram[0] = 0xc0;
  datagram.writeUInt32BE(0x1a2a3a4a, 1);
  const [dcid, scid] = [Buffer.from('0102030405060708', 'hex'), Buffer.from('1112131415161718', 'hex')];
  Buffer.concat([Buffer.from([8]), dcid, Buffer.from([8]), scid]).copy(datagram, 5);
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  // Until its server listens the port may be closed.
  const timer = setInterval(() => socket.send(datagram, port, host), 50);
  try {
    const [answer] = (await once(socket, 'message', { signal })) as [Buffer];
    expect(answer.readUInt32BE(1) === 0, 'the answer is no Version Negotiation');
    expect(
      answer.subarray(6, 14).equals(scid) && answer.subarray(15, 23).equals(dcid),
      'it is not for this packet',
    );
    const versions = Array.from({ length: (answer.length - 23) >> 2 }, (_, i) =>
      answer.readUInt32BE(23 + 4 * i),
    );
    expect(versions.includes(1), 'version 1 is not among them');
  } finally {
    clearInterval(timer);
    socket.close();
  }
}
