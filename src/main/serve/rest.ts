/** The contract over REST under /api/v1, and its streams as server-sent events. */
import { OpenAPIHandler } from '@orpc/openapi/fastify';
import type { FastifyInstance } from 'fastify';
import { errorBody, type LabRouter } from '../lab/index.ts';
import { type Access, bearerOf } from './auth.ts';
import { type CallContext, limitCalls } from './carriers/calls.ts';
import { carryErrors } from './carriers/handler.ts';

export const API_PREFIX = '/api/v1';

export function serveRest(app: FastifyInstance, router: LabRouter, { limits, sessions }: Access): void {
  const handler = new OpenAPIHandler(router, {
    interceptors: [carryErrors],
    clientInterceptors: [limitCalls(limits)],
    customErrorResponseBodyEncoder: errorBody,
  });
  app.all(`${API_PREFIX}/*`, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const token = bearerOf(request.headers.authorization);
    const context: CallContext = {
      caller: {
        address: request.ip,
        openStream: () => sessions.open('streams', token, () => reply.raw.destroy()),
        onExceeded: (seconds) => void reply.header('retry-after', seconds),
      },
    };
    await handler.handle(request, reply, { prefix: API_PREFIX, context });
    return reply;
  });
}
