/** /health, one part of it, and /ready: for people, load balancers and supervisors. */
import type { FastifyInstance } from 'fastify';
import { LabError } from '../../shared/errors.ts';
import type { Lab } from '../lab/index.ts';

const statusCode = (status: string): number => (status === 'unhealthy' ? 503 : 200);

export function serveHealth(app: FastifyInstance, lab: Lab): void {
  app.get('/health', (_request, reply) => {
    const { status, services } = lab.health();
    reply.code(statusCode(status)).header('cache-control', 'no-store');
    return {
      status,
      timestamp: new Date().toISOString(),
      services,
      uptime_seconds: Math.round(process.uptime()),
    };
  });

  app.get<{ Params: { service: string } }>('/health/:service', (request, reply) => {
    const { services } = lab.health();
    const { service } = request.params;
    if (!Object.hasOwn(services, service)) {
      throw new LabError('RL_NOT_FOUND', `There is no service "${service}".`, {
        hint: `Ask for one of: ${Object.keys(services).join(', ')}.`,
      });
    }
    const found = services[service as keyof typeof services];
    reply.code(statusCode(found.status)).header('cache-control', 'no-store');
    return found;
  });

  app.get('/ready', (_request, reply) => {
    const ready = lab.health().status !== 'unhealthy';
    reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
    return { ready };
  });
}
