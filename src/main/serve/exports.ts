/** Files of the data folder's `exports/`, to download: never shown in the lab's own pages. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenAPI } from '@orpc/contract';
import type { FastifyInstance } from 'fastify';
import { LabError } from '../../shared/errors.ts';

/** As the lab names them: no path, nothing hidden. */
const NAME = /^[a-z0-9][a-z0-9-]*(\.[a-z]+){1,2}$/;

export function serveExports(app: FastifyInstance, dataDir: string): void {
  app.get<{ Params: { name: string } }>('/exports/:name', async (request, reply) => {
    const { name } = request.params;
    const path = join(dataDir, 'exports', name);
    const file = NAME.test(name) ? await stat(path).catch(() => null) : null;
    if (!file?.isFile())
      throw new LabError('RL_NOT_FOUND', 'There is no such export.', {
        field: 'name',
        hint: 'Export the experiment again.',
      });
    return reply
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('content-length', file.size)
      .header('cache-control', 'no-store')
      .send(createReadStream(path));
  });
}

/** For the description of the API: what is served here is not below its prefix. */
export const EXPORT_PATHS: OpenAPI.PathsObject = {
  '/exports/{name}': {
    servers: [{ url: '/' }],
    get: {
      tags: ['experiments'],
      operationId: 'exports',
      summary: 'A file that experiments.export wrote',
      parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
      responses: {
        200: {
          description: 'The file.',
          content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
        },
      },
    },
  },
};
