/** The contract over REST under /api/v1, and its streams as server-sent events. */
import { OpenAPIHandler } from '@orpc/openapi/fastify';
import type { FastifyInstance } from 'fastify';
import { errorBody, type LabRouter } from '../lab/index.ts';
import { carryErrors } from './carriers/handler.ts';

export const API_PREFIX = '/api/v1';

export function serveRest(app: FastifyInstance, router: LabRouter): void {
  const handler = new OpenAPIHandler(router, {
    interceptors: [carryErrors],
    customErrorResponseBodyEncoder: errorBody,
  });
  app.all(`${API_PREFIX}/*`, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    await handler.handle(request, reply, { prefix: API_PREFIX, context: {} });
    return reply;
  });
}
