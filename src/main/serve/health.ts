/** /health, one part of it, and /ready: for people, load balancers and supervisors. */
import type { OpenAPI } from '@orpc/contract';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LabError } from '../../shared/errors.ts';
import type { ServiceName } from '../../shared/monitoring.ts';
import type { Lab } from '../lab/index.ts';
import { type Auth, bearerOf } from './auth.ts';

type Part = ReturnType<Lab['health']>['services'][ServiceName];

const statusCode = (status: string): number => (status === 'unhealthy' ? 503 : 200);

export function serveHealth(app: FastifyInstance, lab: Lab, auth: Auth): void {
  /** What is wrong may name addresses and files: that is for those who may ask for anything. */
  async function tellable({ headers }: FastifyRequest): Promise<(part: Part) => Part> {
    try {
      await auth.require(bearerOf(headers.authorization));
      return (part) => part;
    } catch {
      return ({ status }) => ({ status });
    }
  }

  app.get('/health', async (request, reply) => {
    const { status, services } = lab.health();
    const told = await tellable(request);
    reply.code(statusCode(status)).header('cache-control', 'no-store');
    return {
      status,
      timestamp: new Date().toISOString(),
      services: Object.fromEntries(Object.entries(services).map(([name, part]) => [name, told(part)])),
      uptime_seconds: Math.round(process.uptime()),
    };
  });

  app.get<{ Params: { service: string } }>('/health/:service', async (request, reply) => {
    const { services } = lab.health();
    const { service } = request.params;
    if (!Object.hasOwn(services, service)) {
      throw new LabError('RL_NOT_FOUND', `There is no service "${service}".`, {
        hint: `Ask for one of: ${Object.keys(services).join(', ')}.`,
      });
    }
    const found = services[service as keyof typeof services];
    reply.code(statusCode(found.status)).header('cache-control', 'no-store');
    return (await tellable(request))(found);
  });

  app.get('/ready', (_request, reply) => {
    const ready = lab.health().status !== 'unhealthy';
    reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
    return { ready };
  });
}

const STATUS = { type: 'string' as const, enum: ['healthy', 'degraded', 'unhealthy'] };
const SERVICE = {
  type: 'object' as const,
  required: ['status'],
  properties: {
    status: STATUS,
    detail: {
      type: 'string' as const,
      description: 'What is wrong. Where a token is wanted, for those with one.',
    },
  },
};
const HEALTH = {
  type: 'object' as const,
  required: ['status', 'timestamp', 'services', 'uptime_seconds'],
  properties: {
    status: STATUS,
    timestamp: { type: 'string' as const, format: 'date-time' },
    services: { type: 'object' as const, additionalProperties: SERVICE },
    uptime_seconds: { type: 'integer' as const },
  },
};
const READY = {
  type: 'object' as const,
  required: ['ready'],
  properties: { ready: { type: 'boolean' as const } },
};

/** For the description of the API: what is served here is not below its prefix, and 503 when unhealthy. */
export const HEALTH_PATHS: OpenAPI.PathsObject = {
  '/health': path('health', 'How the lab and each of its parts is doing', HEALTH),
  '/health/{service}': path('healthOf', 'How one part of the lab is doing', SERVICE, [
    { name: 'service', in: 'path', required: true, schema: { type: 'string' } },
  ]),
  '/ready': path('ready', 'Whether the lab can measure and keep what it measures', READY),
};

function path(
  operationId: string,
  summary: string,
  schema: typeof SERVICE | typeof HEALTH | typeof READY,
  parameters: OpenAPI.ParameterObject[] = [],
): OpenAPI.PathItemObject {
  const content = { 'application/json': { schema } };
  return {
    servers: [{ url: '/' }],
    get: {
      tags: ['health'],
      operationId,
      summary,
      security: [{}],
      parameters,
      responses: {
        200: { description: 'Healthy, or a part of it degraded.', content },
        503: { description: 'Unhealthy.', content },
      },
    },
  };
}
