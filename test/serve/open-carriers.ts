/** The contract's carriers by themselves, before a board and clocks that a test can look into and turn. */
import Fastify from 'fastify';
import { onTestFinished } from 'vitest';
import { Live } from '../../src/main/lab/live.ts';
import { createRouter } from '../../src/main/lab/router/index.ts';
import type { RouterParts } from '../../src/main/lab/router/parts.ts';
import { StatusBoard } from '../../src/main/lab/status-board.ts';
import { type Access, Auth } from '../../src/main/serve/auth.ts';
import { serveWebSocket } from '../../src/main/serve/carriers/websocket.ts';
import { Limits } from '../../src/main/serve/limits.ts';
import { serveRest } from '../../src/main/serve/rest.ts';
import { secure } from '../../src/main/serve/security.ts';
import { Sessions } from '../../src/main/serve/sessions.ts';
import { openStore } from '../../src/main/store/index.ts';
import { silentLog, temporaryDir } from '../lab/open-lab.ts';

/** The real router and carriers over a board the test can look into. */
export async function openCarriers({
  auth = new Auth(() => ({ secret: null, issuer: '' })),
  limits = new Limits(),
}: Partial<Access> = {}) {
  const store = openStore({ dataDir: temporaryDir() });
  onTestFinished(() => store.close());
  const board = new StatusBoard(0);
  const upkeep = { ready: async () => {} };
  const router = createRouter({
    store,
    upkeep,
    live: new Live(store, board, upkeep),
    routes: {} as RouterParts['routes'],
    probes: {} as RouterParts['probes'],
    imports: {} as RouterParts['imports'],
    capacity: {} as RouterParts['capacity'],
    reproductions: {} as RouterParts['reproductions'],
    matrices: {} as RouterParts['matrices'],
    ends: {} as RouterParts['ends'],
    app: {} as RouterParts['app'],
    runs: {} as RouterParts['runs'],
    exports: {} as RouterParts['exports'],
    files: {} as RouterParts['files'],
    alerts: {} as RouterParts['alerts'],
    system: {} as RouterParts['system'],
    dataSources: {} as RouterParts['dataSources'],
    configuration: {} as RouterParts['configuration'],
    info: () => {
      throw new Error('nobody asks here');
    },
    log: silentLog,
    closing: new AbortController().signal,
  });
  const app = Fastify({ forceCloseConnections: true });
  const access: Access = { auth, limits, sessions: new Sessions(auth) };
  const policy = { host: '127.0.0.1', corsOrigins: [], names: [] };
  await secure(app, policy, access);
  serveRest(app, router, access);
  const sockets = serveWebSocket(app.server, router, policy, access);
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    access.sessions.close();
    sockets.close();
    await app.close();
  });
  return { board, router, url, sessions: access.sessions };
}
