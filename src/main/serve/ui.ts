/** The app's own pages: what the build left in out/renderer. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const NOT_BUILT = `<!doctype html><html lang="en"><title>RouteLab</title>
<p>The lab is running, but its pages are not built yet: run <code>npm start</code>, or <code>npm run build</code>, and reload. The API is at <a href="/docs">/docs</a>.</p></html>
`;

/** Serves `uiDir`; one line in place of its index while it is not built. The app keeps its own addresses after `#`. */
export async function serveUi(app: FastifyInstance, uiDir: string): Promise<void> {
  await app.register(fastifyStatic, { root: uiDir, serve: false });

  app.get('/', (_request, reply) => {
    // Looked up each time: a build that finishes while the lab runs is served without a restart.
    if (!existsSync(join(uiDir, 'index.html'))) {
      return reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT);
    }
    return reply.header('cache-control', 'no-cache').sendFile('index.html', { cacheControl: false });
  });
  app.get<{ Params: { '*': string } }>('/assets/*', (request, reply) =>
    // The names carry a hash of the contents.
    reply.sendFile(`assets/${request.params['*']}`, { maxAge: '365d', immutable: true }),
  );
  // Browsers ask for it with each page of the app; while the lab is down they go on with the one they have.
  app.get('/icon.svg', (_request, reply) => reply.sendFile('icon.svg', { maxAge: '1h' }));
  app.get<{ Params: { '*': string } }>('/*', (request, reply) => reply.sendFile(request.params['*']));
}
