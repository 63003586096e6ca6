/** HTTP: one server for the UI, the API, its description, the metrics and the health. */
import { fileURLToPath } from 'node:url';
import Fastify, { type FastifyInstance } from 'fastify';
import { LabError } from '../../shared/errors.ts';
import { Configuration, createLab, type Lab, type LabOptions, type Log } from '../lab/index.ts';
import { type Access, Auth } from './auth.ts';
import { serveWebSocket, type WebSocketCarrier } from './carriers/websocket.ts';
import { serveDocs } from './docs.ts';
import { serveExports } from './exports.ts';
import { fullName, type GuardPolicy, isLoopback } from './guard.ts';
import { serveHealth } from './health.ts';
import { answerErrors, fromFastify, sendError } from './http-errors.ts';
import { Limits } from './limits.ts';
import { listenError } from './listen-error.ts';
import { serveMetrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { serveRest } from './rest.ts';
import { secure } from './security.ts';
import { Sessions } from './sessions.ts';
import { serveUi } from './ui.ts';

const MAX_BODY_BYTES = 1_048_576;

export interface ServeOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Log;
  /** The built UI. Default: out/renderer of this checkout. */
  uiDir?: string;
}

export interface HeadlessOptions extends ServeOptions {
  dataDir: string;
  /** Whether demo routes of an earlier session are measured again; default true. */
  resumeDemo?: boolean;
  /** Default: none, with `corsOrigins`. */
  configuration?: Configuration;
  /** Origins beside the lab's own whose pages may call it. */
  corsOrigins?: readonly string[];
  /** As the lab takes them. */
  measurers?: LabOptions['measurers'];
}

interface Served {
  /** Where the UI is, without a slash at the end. */
  url: string;
  /** Ends every connection; the lab goes on. */
  close(): Promise<void>;
}

export interface Headless {
  /** Where the UI is, without a slash at the end. */
  url: string;
  lab: Lab;
  /** Ends every connection and the lab, within about two seconds. */
  close(): Promise<void>;
}

/** Opens the lab and serves it. Throws what `serveLab` and `createLab` throw. */
export async function startHeadless(options: HeadlessOptions): Promise<Headless> {
  const configuration = options.configuration ?? configurationOf(options);
  refuseOpenHost(options.host, configuration);
  const lab = await createLab({
    configuration,
    dataDir: options.dataDir,
    host: 'headless',
    workerUrl: (name) => new URL(`../workers/${name}.ts`, import.meta.url),
    log: options.log,
    ...(options.resumeDemo !== undefined && { resumeDemo: options.resumeDemo }),
    ...(options.measurers && { measurers: options.measurers }),
  });
  try {
    const served = await serveLab(lab, options);
    return {
      url: served.url,
      lab,
      close: async () => {
        await served.close();
        await lab.close();
      },
    };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/**
 * Serves an open lab over HTTP, the desktop's own among them. Throws RL_INPUT_INVALID for an address that others could
 * reach, RL_PORT_IN_USE and RL_ADDRESS_UNAVAILABLE.
 */
export async function serveLab(lab: Lab, options: ServeOptions): Promise<Served> {
  const { host, port } = options;
  const { configuration } = lab;
  refuseOpenHost(host, configuration);
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 30_000,
    frameworkErrors: (error, _request, reply) => sendError(reply, fromFastify(error)),
    // A stream has no end of its own; closing the host ends it.
    forceCloseConnections: true,
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    },
  });
  const auth = new Auth(() => {
    const { jwt_secret: secret, issuer } = configuration.values.auth;
    return { secret, issuer };
  });
  const access: Access = { auth, limits: new Limits(), sessions: new Sessions(auth) };
  let sockets: WebSocketCarrier | null = null;
  const close = async (): Promise<void> => {
    access.sessions.close();
    sockets?.close();
    await app.close();
    lab.metricsUrl = null;
  };
  try {
    const machine: string[] = [];
    const policy: GuardPolicy = {
      host,
      get corsOrigins() {
        return configuration.values.server.cors_origins;
      },
      get names() {
        return [...configuration.values.server.names, ...machine];
      },
    };
    if (!isLoopback(host)) void fullName().then((name) => machine.push(...(name === null ? [] : [name])));
    await assemble(app, lab, policy, access, options);
    sockets = serveWebSocket(app.server, lab.router, policy, access);
    const url = await app.listen({ host, port }).catch((cause: NodeJS.ErrnoException) => {
      throw listenError(cause, { host, port, field: 'port', option: '--port' });
    });
    lab.metricsUrl = `${url}/metrics`;
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const configurationOf = ({ corsOrigins = [] }: HeadlessOptions): Configuration =>
  new Configuration({
    options: new Map([['server.cors_origins', { value: corsOrigins, name: '--cors-origin' }]]),
  });

/** Now, and of each configuration to come: a host that others reach has a secret, or is not one. */
function refuseOpenHost(host: string, configuration: Configuration): void {
  if (isLoopback(host)) return;
  configuration.require(({ auth }) => {
    if (auth.jwt_secret !== null) return;
    throw new LabError(
      'RL_INPUT_INVALID',
      `host: ${host} would open this lab to the network, and auth.jwt_secret is not set`,
      {
        field: 'host',
        hint: 'Set auth.jwt_secret (JWT_SECRET in the environment), or listen on 127.0.0.1 and use an SSH tunnel.',
      },
    );
  });
}

async function assemble(
  app: FastifyInstance,
  lab: Lab,
  policy: GuardPolicy,
  access: Access,
  options: ServeOptions,
): Promise<void> {
  acceptEmptyJson(app);
  answerErrors(app, options.log);
  await secure(app, policy, access);
  serveRest(app, lab.router, access);
  const { version, dataDir } = await lab.client.lab.info();
  serveDocs(app, await describeApi(lab.router, version));
  serveMetrics(app, lab);
  serveHealth(app, lab, access.auth);
  serveExports(app, dataDir);
  await serveUi(app, options.uiDir ?? fileURLToPath(new URL('../../../out/renderer', import.meta.url)));
}

/** Many clients say `content-type: application/json` on a POST without a body; that is no body, not bad JSON. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, null);
    else parse(request, body as string, done);
  });
}
