/** The OpenAPI 3.1 description of the API, generated from the contract. */
import type { OpenAPI } from '@orpc/contract';
import { OpenAPIGenerator } from '@orpc/openapi';
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4';
import { CATALOGUE } from '../../shared/errors.ts';
import type { LabRouter } from '../lab/index.ts';
import { EXPORT_PATHS } from './exports.ts';
import { HEALTH_PATHS } from './health.ts';
import { METRICS_PATH } from './metrics.ts';
import { API_PREFIX } from './rest.ts';

export type ApiDocument = OpenAPI.Document;

const ERROR_SCHEMA: OpenAPI.SchemaObject = {
  type: 'object',
  required: ['code', 'message', 'hint'],
  properties: {
    code: { type: 'string', enum: Object.keys(CATALOGUE) },
    message: { type: 'string', description: 'What was wrong.' },
    field: { type: 'string', description: 'Path of the input at fault.' },
    hint: { type: 'string', description: 'What to do about it.' },
  },
};

export async function describeApi(router: LabRouter, version: string): Promise<ApiDocument> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] });
  const document = await generator.generate(router, {
    info: {
      title: 'RouteLab',
      version,
      description:
        'Routes, measurements and experiments of this lab. Times are unix milliseconds, durations microseconds, ' +
        'rates bits per second. A value that was not measured is null, never zero.',
    },
    servers: [{ url: API_PREFIX }],
    // A lab without a secret wants none.
    security: [{}, { bearer: [] }],
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Error: ERROR_SCHEMA },
      responses: {
        Error: {
          description: 'A failure from the error catalogue.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
  });
  document.paths = { ...document.paths, '/metrics': METRICS_PATH, ...HEALTH_PATHS, ...EXPORT_PATHS };
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path ?? {})) {
      if (typeof operation === 'object' && 'responses' in operation && operation.responses) {
        operation.responses['default'] = { $ref: '#/components/responses/Error' };
      }
    }
  }
  return document;
}
