/** The peers that are libraries: small programs of ours around quic-go and quiche, with the same options (resources/interop). */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { formatAddress } from '../address.ts';
import { NotApplicable, type Peer, programEnv, runProgram, startProgram } from './peer.ts';

const root = resolve(import.meta.dirname, '../../../..');
const sources = join(root, 'resources/interop');
const QUIC_GO = '/usr/share/gocode/src/github.com/lucas-clemente/quic-go';
const GO_SOURCE = join(sources, 'quic-go/main.go');
const GO_PROGRAM = join(root, '.cache/interop/quic-go');
const QUICHE_PROGRAM = join(sources, 'quiche/peer.ts');

/** Compiled once for each change of its source. */
function buildQuicGo(): string {
  if (existsSync(GO_PROGRAM) && statSync(GO_PROGRAM).mtimeMs > statSync(GO_SOURCE).mtimeMs) return GO_PROGRAM;
  const cache = join(root, '.cache/interop');
  mkdirSync(cache, { recursive: true });
  const fresh = `${GO_PROGRAM}.${process.pid}`;
  const { status, stderr, error } = spawnSync('go', ['build', '-o', fresh, GO_SOURCE], {
    env: {
      ...programEnv,
      GO111MODULE: 'off',
      GOFLAGS: '',
      GOPATH: `${join(cache, 'go')}:/usr/share/gocode`,
      GOCACHE: join(cache, 'go-build'),
    },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`quic-go does not build: ${error?.message ?? stderr}`);
  renameSync(fresh, GO_PROGRAM);
  return GO_PROGRAM;
}

/** A program by its command line up to the mode. */
function programPeer(options: {
  name: string;
  alpn: readonly string[];
  missing: () => string | null;
  command: () => readonly [string, ...string[]];
  canMigrate: boolean;
}): Peer {
  const { name, alpn, missing, command, canMigrate } = options;
  return {
    name,
    alpn,
    missing,

    async serve({ www, key, cert }, { host, retry, qlog }) {
      const [program, ...args] = command();
      const listen = formatAddress({ host, port: 0 });
      const flags = [
        '--listen',
        listen,
        '--cert',
        cert,
        '--key',
        key,
        '--www',
        www,
        ...(retry ? ['--retry'] : []),
        ...(qlog === undefined ? [] : ['--qlog', qlog]),
      ];
      let bound = 0;
      const { close } = await startProgram(program, [...args, 'server', ...flags], {
        test: (output: string) => {
          bound = Number(/listening on \S+:(\d+)/.exec(output)?.[1] ?? 0);
          return bound > 0;
        },
      });
      return { port: bound, close };
    },

    async fetch({ ca }, fetchOptions) {
      const {
        host,
        port,
        alpn: protocol,
        paths,
        out,
        again,
        early,
        datagrams,
        migrate,
        signal,
      } = fetchOptions;
      if (fetchOptions.unknownVersion)
        throw new NotApplicable('its client has no option to begin with another version');
      if (migrate && !canMigrate) throw new NotApplicable('its client does not move');
      const [program, ...args] = command();
      await runProgram(
        program,
        [
          ...args,
          'client',
          '--connect',
          formatAddress({ host, port }),
          '--ca',
          ca,
          '--out',
          out,
          ...(alpn.length > 1 ? ['--alpn', protocol] : []),
          ...(again ? ['--again'] : []),
          ...(early ? ['--early'] : []),
          ...(datagrams ? ['--datagram'] : []),
          ...(migrate ? ['--migrate'] : []),
          ...paths,
        ],
        signal,
      );
    },
  };
}

export const quicGo = programPeer({
  name: 'quic-go',
  alpn: ['hq-interop', 'h3'],
  missing: () =>
    existsSync(QUIC_GO) && spawnSync('go', ['version'], { env: programEnv }).status === 0
      ? null
      : 'go and quic-go (Debian: golang-go, golang-github-lucas-clemente-quic-go-dev)',
  command: () => [buildQuicGo()],
  canMigrate: false,
});

export const quiche = programPeer({
  name: 'quiche',
  alpn: ['hq-interop'],
  missing: () => (existsSync(join(root, 'node_modules/@matrixai/quic')) ? null : '@matrixai/quic (npm)'),
  command: () => [process.execPath, QUICHE_PROGRAM],
  canMigrate: true,
});
