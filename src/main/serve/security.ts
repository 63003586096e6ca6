/** What protects the pages and the API of the headless host: headers, the guard, limits. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { CONTENT_SECURITY_POLICY } from '../../shared/csp.ts';
import { LabError } from '../../shared/errors.ts';
import { type Auth, requireTokens } from './auth.ts';
import { type GuardPolicy, refusal } from './guard.ts';

/** Requests a caller may make in ten seconds; live data goes over streams, not over polling. */
export const RATE_LIMITS = { reads: 1000, writes: 200, starts: 60, windowMs: 10_000 } as const;

/** Requests that begin work which goes on after their answer. */
const STARTS = /^\/api\/v1\/(probes(\/import)?|demo\/(start|stop)|experiments(\/\w+)*)$/;

const CSP = Object.fromEntries(
  Object.entries(CONTENT_SECURITY_POLICY).map(([directive, sources]) => [directive, [...sources]]),
);

type Kind = 'reads' | 'writes' | 'starts';

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

function kindOf({ method, url }: { method: string; url: string }): Kind {
  if (isRead(method)) return 'reads';
  return method === 'POST' && STARTS.test(url.split('?', 1)[0]!) ? 'starts' : 'writes';
}

export async function secure(app: FastifyInstance, policy: GuardPolicy, auth: Auth): Promise<void> {
  app.addHook('onRequest', async (request) => {
    const refused = refusal(request.headers, policy);
    if (refused !== null) throw refused;
  });

  await app.register(cors, {
    // Asked each time: the list changes while the host runs.
    origin: (origin, decide) => decide(null, origin !== undefined && policy.corsOrigins.includes(origin)),
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    // Browsers show pages of other origins no other headers.
    exposedHeaders: ['retry-after', 'www-authenticate'],
  });
  requireTokens(app, auth);

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
    max: (request) => RATE_LIMITS[kindOf(request)],
    keyGenerator: (request) => `${request.ip} ${kindOf(request)}`,
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
