/** What protects the pages and the API of the headless host: headers, the guard, limits. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { CONTENT_SECURITY_POLICY } from '../../shared/csp.ts';
import { LabError } from '../../shared/errors.ts';
import { type GuardPolicy, refusal } from './guard.ts';

/** Requests a caller may make in ten seconds; live data goes over streams, not over polling. */
export const RATE_LIMITS = { reads: 1000, writes: 200, windowMs: 10_000 } as const;

const CSP = Object.fromEntries(
  Object.entries(CONTENT_SECURITY_POLICY).map(([directive, sources]) => [directive, [...sources]]),
);

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

export async function secure(app: FastifyInstance, policy: GuardPolicy): Promise<void> {
  app.addHook('onRequest', async (request) => {
    const refused = refusal(request.headers, policy);
    if (refused !== null) throw refused;
  });

  if (policy.corsOrigins.length > 0) {
    await app.register(cors, {
      origin: [...policy.corsOrigins],
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    });
  }

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: CSP,
    },
    // The lab speaks plain HTTP on loopback.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });

  await app.register(rateLimit, {
    timeWindow: RATE_LIMITS.windowMs,
    max: (request) => (isRead(request.method) ? RATE_LIMITS.reads : RATE_LIMITS.writes),
    keyGenerator: (request) => `${request.ip} ${isRead(request.method) ? 'read' : 'write'}`,
    addHeaders: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    addHeadersOnExceeding: {
      'x-ratelimit-limit': false,
      'x-ratelimit-remaining': false,
      'x-ratelimit-reset': false,
    },
    errorResponseBuilder: (_request, { max, ttl }) =>
      new LabError(
        'RL_RATE_LIMITED',
        `More than ${max} requests in ${RATE_LIMITS.windowMs / 1000} s; the next is taken in ${Math.ceil(ttl / 1000)} s.`,
      ),
  });
}
