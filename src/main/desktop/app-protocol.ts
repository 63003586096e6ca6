/** `app://routelab/…`: the built pages under a secure origin of their own instead of file:// (Electron security §18). */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { CustomScheme, Protocol } from 'electron';
import { cspHeader } from '../../shared/csp.ts';

export const APP_ORIGIN = 'app://routelab';

/** To be registered before the app is ready. */
export const APP_SCHEME: CustomScheme = {
  scheme: 'app',
  privileges: { standard: true, secure: true, supportFetchAPI: true },
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
};

const refuse = (status: number): Response => new Response(null, { status });

/** Answers a request for a page file below `folder`; nothing outside of it is ever read. */
export async function serveAppFile(
  folder: string,
  request: { url: string; method: string },
): Promise<Response> {
  const url = URL.parse(request.url);
  if (!url || `${url.protocol}//${url.host}` !== APP_ORIGIN) return refuse(404);
  if (request.method !== 'GET') return refuse(405);
  let path: string;
  try {
    path = decodeURIComponent(url.pathname);
  } catch {
    return refuse(400);
  }
  if (path.includes('\0') || path.split(/[/\\]/).includes('..')) return refuse(400);
  // The app's own routes have no extension: they are all the one page.
  const file = extname(path) === '' ? 'index.html' : path;
  const type = TYPES[extname(file)];
  if (!type) return refuse(404);
  try {
    const body = await readFile(join(folder, file));
    return new Response(new Uint8Array(body), {
      headers: {
        'content-type': type,
        'content-security-policy': cspHeader(),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      },
    });
  } catch {
    return refuse(404);
  }
}

export function handleAppProtocol(protocol: Pick<Protocol, 'handle'>, folder: string): void {
  protocol.handle(APP_SCHEME.scheme, (request) => serveAppFile(folder, request));
}
