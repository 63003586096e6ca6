/**
 * The quiche end of the interop cases: quiche's native binding, out of @matrixai/quic, driven over dgram. Serves files, and
 * fetches them, over HTTP/0.9 ("hq-interop").
 *
 *   node peer.ts server --listen 127.0.0.1:4433 --cert cert.pem --key key.pem --www folder [--retry]
 *   node peer.ts client --connect 127.0.0.1:4433 --ca ca.pem --out folder [--again] [--early] [--datagram] [--migrate] /path ...
 *
 * One line of JSON on standard output tells what a client saw of its last connection.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { basename, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { native } from '@matrixai/quic';
import type { Config, Connection, Host } from '@matrixai/quic/native/types.js';

const quiche = native.quiche;
const ALPN = 'hq-interop';
const ID_LENGTH = 16;
const DATAGRAM_BYTES = 1350;
const SOCKET_BUFFER = 4 * 1024 * 1024;
const RETRY_PREFIX = Buffer.from('retry');

const [mode, ...rest] = process.argv.slice(2);
const { values, positionals } = parseArgs({
  args: rest,
  allowPositionals: true,
  options: {
    listen: { type: 'string' },
    connect: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    ca: { type: 'string' },
    www: { type: 'string', default: '.' },
    out: { type: 'string' },
    retry: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    early: { type: 'boolean', default: false },
    datagram: { type: 'boolean', default: false },
    migrate: { type: 'boolean', default: false },
  },
});

function makeConfig(): Config {
  const config = new quiche.Config();
  config.setApplicationProtos([ALPN]);
  config.setMaxIdleTimeout(30_000);
  config.setMaxRecvUdpPayloadSize(65_527);
  config.setMaxSendUdpPayloadSize(DATAGRAM_BYTES);
  config.setInitialMaxData(16 * 1024 * 1024);
  config.setInitialMaxStreamDataBidiLocal(6 * 1024 * 1024);
  config.setInitialMaxStreamDataBidiRemote(6 * 1024 * 1024);
  config.setInitialMaxStreamDataUni(1024 * 1024);
  config.setInitialMaxStreamsBidi(128);
  config.setInitialMaxStreamsUni(128);
  config.setActiveConnectionIdLimit(4);
  config.setDisableActiveMigration(false);
  config.setCcAlgorithmName('cubic');
  config.enableDgram(true, 1024, 1024);
  config.enableEarlyData();
  if (values.cert && values.key) {
    config.loadCertChainFromPemFile(values.cert);
    config.loadPrivKeyFromPemFile(values.key);
  }
  config.verifyPeer(values.ca !== undefined);
  if (values.ca) config.loadVerifyLocationsFromFile(values.ca);
  return config;
}

function hostPort(text: string): Host {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

async function bind(host: string, port: number): Promise<Socket> {
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({
    type: `udp${family}`,
    recvBufferSize: SOCKET_BUFFER,
    sendBufferSize: SOCKET_BUFFER,
    lookup: (address, _options, callback) => callback(null, address, family),
  });
  await new Promise<void>((resolve) => socket.bind(port, host, resolve));
  return socket;
}

/** A connection with its streams, its timer and the sockets it may use. */
class Endpoint {
  readonly connection: Connection;
  onChange: () => void = () => undefined;
  readonly #send: (datagram: Buffer, from: Host, to: Host) => void;
  readonly #chunk = Buffer.alloc(64 * 1024);
  readonly #heard = new Map<number, Buffer[]>();
  readonly #toSend = new Map<number, { data: Buffer; sent: number }>();
  readonly #onStream: (id: number, data: Buffer) => void;
  #isEarly = false;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(
    connection: Connection,
    send: (datagram: Buffer, from: Host, to: Host) => void,
    onStream: (id: number, data: Buffer) => void,
  ) {
    this.connection = connection;
    this.#send = send;
    this.#onStream = onStream;
  }

  receive(datagram: Buffer, from: Host, to: Host): void {
    try {
      this.connection.recv(datagram, { from, to });
    } catch {
      // quiche closes the connection itself where it has to.
    }
    this.wake();
  }

  /** Sends a whole stream. */
  write(id: number, data: Buffer): void {
    this.#toSend.set(id, { data, sent: 0 });
    this.wake();
  }

  wake(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#turn();
    });
  }

  #turn(): void {
    const { connection } = this;
    if (connection.isEstablished() || connection.isInEarlyData()) {
      for (const id of connection.readable()) this.#read(id);
      for (const [id, item] of this.#toSend) this.#write(id, item);
    }
    this.onChange();
    for (let sent = 0; ; sent++) {
      // A burst, then the socket is read again.
      if (sent === 64) {
        this.wake();
        break;
      }
      const out = Buffer.allocUnsafe(DATAGRAM_BYTES);
      const result = connection.send(out);
      if (!result) break;
      const [length, { from, to }] = result;
      this.#send(out.subarray(0, length), from, to);
    }
    // Known once the ClientHello is written.
    if (!this.#isEarly && connection.isInEarlyData()) {
      this.#isEarly = true;
      this.wake();
    }
    clearTimeout(this.#timer);
    const timeout = connection.timeout();
    if (timeout === null || connection.isClosed()) return;
    this.#timer = setTimeout(() => {
      connection.onTimeout();
      this.wake();
    }, timeout);
  }

  #read(id: number): void {
    for (;;) {
      const result = this.connection.streamRecv(id, this.#chunk);
      if (!result) return;
      const [length, fin] = result;
      let parts = this.#heard.get(id);
      if (!parts) {
        parts = [];
        this.#heard.set(id, parts);
      }
      parts.push(Buffer.from(this.#chunk.subarray(0, length)));
      if (!fin) continue;
      this.#heard.delete(id);
      this.#onStream(id, Buffer.concat(parts));
      return;
    }
  }

  #write(id: number, item: { data: Buffer; sent: number }): void {
    const written = this.connection.streamSend(id, item.data.subarray(item.sent), true);
    if (written === null) return;
    item.sent += written;
    if (item.sent === item.data.length) this.#toSend.delete(id);
  }
}

/** What a request asks for; null where there is nothing. */
function bodyOf(request: Buffer): Buffer | null {
  const name = request.toString('latin1').replace(/^GET /, '').trim();
  const path = join(values.www, normalize(`/${name}`));
  return existsSync(path) ? readFileSync(path) : null;
}

async function serve(): Promise<void> {
  const config = makeConfig();
  const local = hostPort(values.listen!);
  const socket = await bind(local.host, local.port);
  local.port = socket.address().port;
  const endpoints = new Map<string, Endpoint>();
  const idKey = randomBytes(32);
  /** quiche's own examples derive the id from the client's. */
  const derive = (dcid: Uint8Array): Buffer =>
    createHmac('sha256', idKey).update(dcid).digest().subarray(0, ID_LENGTH);
  const accept = (datagram: Buffer, from: Host): Endpoint | null => {
    const header = quiche.Header.fromSlice(datagram, ID_LENGTH);
    const known = endpoints.get(Buffer.from(header.dcid).toString('hex'));
    if (known) return known;
    if (header.ty === quiche.Type.Short) return null;
    const derived = derive(header.dcid);
    const waiting = endpoints.get(derived.toString('hex'));
    if (waiting) return waiting;
    const out = Buffer.alloc(DATAGRAM_BYTES);
    if (!quiche.versionIsSupported(header.version)) {
      const length = quiche.negotiateVersion(header.scid, header.dcid, out);
      socket.send(out.subarray(0, length), from.port, from.host);
      return null;
    }
    if (header.ty !== quiche.Type.Initial) return null;
    let scid = derived;
    let odcid: Buffer | null = null;
    const token = Buffer.from(header.token ?? []);
    if (values.retry && token.length === 0) {
      const address = Buffer.concat([RETRY_PREFIX, header.dcid]);
      const length = quiche.retry(header.scid, header.dcid, derived, address, header.version, out);
      socket.send(out.subarray(0, length), from.port, from.host);
      return null;
    }
    if (values.retry) {
      odcid = token.subarray(RETRY_PREFIX.length);
      scid = Buffer.from(header.dcid);
    }
    const connection = quiche.Connection.accept(scid, odcid, local, from, config);
    const endpoint = new Endpoint(
      connection,
      (packet, _from, to) => socket.send(packet, to.port, to.host),
      (id, request) => {
        const body = bodyOf(request);
        if (body) endpoint.write(id, body);
        else connection.streamShutdown(id, quiche.Shutdown.Write, 1);
      },
    );
    const ids = new Set<string>();
    const add = (id: Buffer): void => {
      ids.add(id.toString('hex'));
      endpoints.set(id.toString('hex'), endpoint);
    };
    endpoint.onChange = () => {
      // One that failed at its first packet must not stand in the way of the next from there.
      if (connection.isClosed()) for (const id of ids) endpoints.delete(id);
      echo(connection);
      if (!connection.isEstablished()) return;
      // Ids for the paths that the client may take.
      while (connection.sourceCidsLeft() > 0) {
        const id = randomBytes(ID_LENGTH);
        connection.newSourceCid(id, randomBytes(16).readBigUInt64BE(0), false);
        add(id);
      }
    };
    add(scid);
    return endpoint;
  };
  socket.on('message', (datagram: Buffer, { address, port }: RemoteInfo) => {
    const from = { host: address, port };
    let endpoint: Endpoint | null;
    try {
      endpoint = accept(datagram, from);
    } catch {
      // Not a packet that can be parsed.
      return;
    }
    endpoint?.receive(datagram, from, local);
  });
  process.stdout.write(`listening on ${local.host}:${local.port}\n`);
}

/** Sends every DATAGRAM back. */
function echo(connection: Connection): void {
  for (let data = connection.dgramRecvVec(); data; data = connection.dgramRecvVec())
    connection.dgramSendVec(data);
}

interface Seen {
  resumed: boolean;
  early: boolean;
  datagrams: number;
  migrated: boolean;
}

async function fetchOnce(
  paths: string[],
  session: Uint8Array | null,
  isLast: boolean,
): Promise<{ seen: Seen; session: Uint8Array | null }> {
  const remote = hostPort(values.connect!);
  const any = isIPv6(remote.host) ? '::1' : '127.0.0.1';
  const sockets: Socket[] = [];
  const open = async (): Promise<Host> => {
    const socket = await bind(any, 0);
    sockets.push(socket);
    const local = { host: any, port: socket.address().port };
    socket.on('message', (datagram: Buffer) => endpoint.receive(datagram, remote, local));
    return local;
  };
  const names = new Map<number, string>();
  let waiting = paths.length;
  let datagrams = 0;
  let asked = false;
  let challenged = false;
  let migrated = false;
  let early = false;
  const done = Promise.withResolvers<void>();
  let endpoint!: Endpoint;
  const local = await open();
  const connection = quiche.Connection.connect(
    'localhost',
    randomBytes(ID_LENGTH),
    local,
    remote,
    makeConfig(),
  );
  if (session) connection.setSession(session);
  const isOver = (): boolean =>
    waiting === 0 &&
    (!isLast || !values.datagram || datagrams >= 10) &&
    (!isLast || !values.migrate || migrated) &&
    (isLast || connection.session() !== null);
  endpoint = new Endpoint(
    connection,
    (packet, from, to) => {
      const socket = sockets.find((candidate) => candidate.address().port === from.port);
      socket?.send(packet, to.port, to.host);
    },
    (id, data) => {
      if (values.out) writeFileSync(join(values.out, basename(names.get(id)!)), data);
      waiting--;
    },
  );
  endpoint.onChange = () => {
    if (connection.isClosed()) {
      const error = connection.peerError() ?? connection.localError();
      done.reject(
        new Error(`closed: ${error ? `${error.errorCode} ${Buffer.from(error.reason)}` : 'silence'}`),
      );
      return;
    }
    const isEarly = isLast && values.early && connection.isInEarlyData();
    if (!asked && (connection.isEstablished() || isEarly)) {
      asked = true;
      early = isEarly;
      if (isLast && values.datagram) connection.dgramSendVec(Buffer.from('ping'));
    }
    // As many as the server allows at once.
    while (asked && names.size < paths.length && connection.peerStreamsLeftBidi() > 0) {
      const path = paths[names.size]!;
      const id = 4 * names.size;
      names.set(id, path);
      connection.streamSend(id, Buffer.from(`GET ${path}\r\n`), true);
    }
    for (let data = connection.dgramRecvVec(); data; data = connection.dgramRecvVec()) {
      if (++datagrams < 10) connection.dgramSendVec(data);
    }
    if (isLast && values.migrate && connection.isEstablished()) {
      if (!challenged && connection.availableDcids() > 0 && connection.sourceCidsLeft() >= 0) {
        challenged = true;
        if (connection.sourceCidsLeft() > 0) connection.newSourceCid(randomBytes(ID_LENGTH), 1n, false);
        void open().then((second) => {
          connection.probePath(second, remote);
          endpoint.onChange = watchPath(second, endpoint.onChange);
          endpoint.wake();
        });
      }
    }
    if (isOver()) done.resolve();
  };
  const watchPath = (second: Host, before: () => void) => (): void => {
    if (!migrated && connection.isPathValidated(second, remote)) {
      connection.migrate(second, remote);
      migrated = true;
    }
    before();
  };
  endpoint.wake();
  try {
    await done.promise;
  } finally {
    connection.close(true, 0, Buffer.from(''));
    endpoint.onChange = () => undefined;
    endpoint.wake();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    for (const socket of sockets) socket.close();
  }
  const seen: Seen = {
    resumed: connection.isResumed(),
    early,
    datagrams,
    migrated,
  };
  return { seen, session: connection.session() };
}

async function fetchAll(): Promise<void> {
  let session: Uint8Array | null = null;
  if (values.again) ({ session } = await fetchOnce(positionals.slice(0, 1), null, false));
  const { seen } = await fetchOnce(positionals, session, true);
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  process.exit(0);
}

if (mode === 'server') await serve();
else if (mode === 'client') await fetchAll();
else throw new Error('server or client?');
