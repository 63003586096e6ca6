/** Exports to download: never shown in the lab's own pages. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenAPI } from '@orpc/contract';
import type { FastifyInstance } from 'fastify';
import { LabError } from '../../shared/errors.ts';
import { DOWNLOADS_FOLDER } from '../lab/index.ts';

/** As the lab names them: no path, nothing hidden. */
const NAME = /^[a-z0-9][a-z0-9-]*(\.[a-z]+){1,2}$/;

export function serveExports(app: FastifyInstance, dataDir: string): void {
  app.get<{ Params: { name: string } }>('/exports/:name', async (request, reply) => {
    const { name } = request.params;
    const file = NAME.test(name) ? await open(join(dataDir, DOWNLOADS_FOLDER, name)).catch(() => null) : null;
    if (file === null)
      throw new LabError('RL_NOT_FOUND', 'There is no such export.', {
        field: 'name',
        hint: 'Export the experiment again.',
      });
    // Of the file that is sent, also where another export takes its place meanwhile.
    const { size } = await file.stat();
    return reply
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('content-length', size)
      .header('cache-control', 'no-store')
      .send(file.createReadStream());
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
