/** `/metrics` by itself: the embedded endpoint of `routelab server` and `probe`, for as long as they run. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LabError, toLabError } from '../../shared/errors.ts';
import type { Exporter } from '../telemetry/exporter.ts';
import { isLoopback, refusal } from './guard.ts';
import { listenError } from './listen-error.ts';

export interface MetricsEndpoint {
  /** Of the metrics. */
  readonly url: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** Listens on `host`, `port` 0 taking a free one. Throws RL_PORT_IN_USE and RL_ADDRESS_UNAVAILABLE, of `option`. */
export async function serveExporter(
  exporter: Exporter,
  where: { host: string; port: number; option: string },
): Promise<MetricsEndpoint> {
  const { host, option } = where;
  const server = createServer((request, response) => {
    answer(exporter, host, request, response).catch((thrown) => fail(response, toLabError(thrown)));
  });
  server.listen(where.port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, { ...where, field: option });
  }
  // It ends with the command, and does not hold it up.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  exporter: Exporter,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = request;
  // Who listens for others is called by names that it does not know.
  const refused = isLoopback(host) ? refusal(headers, { host, corsOrigins: [], names: [] }) : null;
  if (refused !== null) return fail(response, refused);
  const [path, query = ''] = url.split('?', 2);
  if (path !== '/metrics' || (method !== 'GET' && method !== 'HEAD')) {
    const hint = 'Ask for GET /metrics.';
    return fail(response, new LabError('RL_NOT_FOUND', `There is nothing at ${method} ${url}.`, { hint }));
  }
  requirePlain(query);
  const { contentType, body } = await exporter.render(headers.accept);
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : body);
}

/** Throws RL_INPUT_INVALID: there is no store here whose history could be asked for. */
function requirePlain(query: string): void {
  for (const [field, value] of new URLSearchParams(query)) {
    if (field === 'format' && value === 'prometheus') continue;
    const message =
      field === 'format'
        ? `format: "${value}" is not prometheus, the only one here`
        : `${field} is no parameter here`;
    const hint = 'History as json and csv is what routelab serve has, at its /metrics.';
    throw new LabError('RL_INPUT_INVALID', message, { field, hint });
  }
}

function fail(response: ServerResponse, error: LabError): void {
  if (response.headersSent) return void response.destroy();
  response
    .writeHead(error.status, { 'content-type': 'application/json' })
    .end(JSON.stringify(error.toBody()));
}
