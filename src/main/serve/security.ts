/** What protects the pages and the API of the headless host: headers, the guard, limits. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import { CONTENT_SECURITY_POLICY } from '../../shared/csp.ts';
import { type Access, requireTokens } from './auth.ts';
import { type GuardPolicy, refusal } from './guard.ts';

const CSP = Object.fromEntries(
  Object.entries(CONTENT_SECURITY_POLICY).map(([directive, sources]) => [directive, [...sources]]),
);

export async function secure(
  app: FastifyInstance,
  policy: GuardPolicy,
  { auth, limits }: Access,
): Promise<void> {
  // Before all else: who is refused is counted too.
  app.addHook('onRequest', async (request, reply) => {
    limits.count(request.ip, 'requests', (seconds) => void reply.header('retry-after', seconds));
  });
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
}
