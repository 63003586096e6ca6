/** ngtcp2 with GnuTLS: the example programs of Debian's ngtcp2-server and ngtcp2-client. They speak HTTP/3 only. */
import { freePort, isInstalled, NotApplicable, type Peer, runProgram, startProgram } from './peer.ts';

export const ngtcp2: Peer = {
  name: 'ngtcp2',
  alpn: ['h3'],

  missing: () =>
    isInstalled('gtlsserver') && isInstalled('gtlsclient')
      ? null
      : 'gtlsserver and gtlsclient (Debian: ngtcp2-server, ngtcp2-client)',

  async serve({ www, key, cert }, { host, retry, qlog }) {
    const port = await freePort(host);
    const flags = [...(retry ? ['-V'] : []), ...(qlog === undefined ? [] : [`--qlog-dir=${qlog}`])];
    const args = ['-q', ...flags, '-d', www, host, String(port), key, cert];
    // It says nothing when it is ready: whoever calls finds the port closed for a moment.
    const { close } = await startProgram('gtlsserver', args, null);
    return { port, close };
  },

  async fetch({ folder }, options) {
    const { host, port, paths, out, again, early, datagrams, migrate, keyUpdate, unknownVersion, signal } =
      options;
    if (datagrams) throw new NotApplicable('its example client sends no DATAGRAMs');
    const url = (path: string): string => `https://localhost${path}`;
    const common = [
      '-q',
      '--no-quic-dump',
      '--no-http-dump',
      '--exit-on-all-streams-close',
      '--handshake-timeout=30s',
      `--download=${out}`,
    ];
    const state = again ? folder() : null;
    const session = state ? [`--session-file=${state}/session`, `--tp-file=${state}/tp`] : [];
    const where = [host, String(port)];
    if (again) await runProgram('gtlsclient', [...common, ...session, ...where, url(paths[0]!)], signal);
    await runProgram(
      'gtlsclient',
      [
        ...common,
        ...session,
        ...(again && !early ? ['--disable-early-data'] : []),
        ...(keyUpdate ? ['--key-update=20ms'] : []),
        ...(migrate ? ['--change-local-addr=20ms'] : []),
        ...(unknownVersion ? ['--version=0x1a2a3a4a', '--preferred-versions=v1'] : []),
        ...where,
        ...paths.map(url),
      ],
      signal,
    );
  },
};
