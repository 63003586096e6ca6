/**
 * lab.yaml, once, as a schema: sections, fields, ranges and defaults. Durations become milliseconds, except times to live,
 * which are seconds. `docs/configuration.md` lists the same fields; a test compares them.
 */
import { z } from 'zod';
import { Controller, controllerNamed, hostName, RouteId } from '../domain.ts';
import { duration, endpoint, line, origin, port, prefix, ratio, seconds, webUrl } from './values.ts';

const MAX_ENTRIES = 256;
const name = line(64);

/** HS256 wants a key as long as its hash at least (RFC 7518 §3.2). */
const SHORTEST_SECRET = 32;

const controller = z.string().transform((text, context) => {
  try {
    return controllerNamed(text);
  } catch {
    context.addIssue({ code: 'custom', message: `expected one of ${Controller.options.join(', ')}` });
    return z.NEVER;
  }
});

const DeclaredRoute = z.strictObject({
  id: RouteId,
  server: endpoint,
  /** The next hop by which the route leaves; null is the system's own choice. */
  via: line(253).nullable().default(null),
  tags: z.array(line(32)).max(16).default([]),
  /** Of using the route, per GB, in whatever currency all routes share. */
  cost: z.number().min(0).max(1e9).default(0),
});

const DataSource = z.strictObject({
  type: z.enum(['prometheus']),
  url: webUrl,
  metrics: z
    .array(z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$/, 'expected the name of a metric'))
    .min(1)
    .max(64),
  scrape_interval: duration(1000, 3_600_000, '1s to 1h').prefault('5s'),
});

const distinct =
  <T>(key: (item: T) => string, what: string) =>
  (items: T[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      if (seen.has(key(item)))
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `another ${what} is called ${key(item)}`,
        });
      seen.add(key(item));
    }
  };

const sections = {
  server: z.strictObject({
    host: hostName.default('127.0.0.1'),
    /** TCP; 0 takes a free one. */
    port: z.number().int().min(0).max(65_535).default(8080),
    /** Logs at level debug whatever `logging.level` says. */
    debug: z.boolean().default(false),
    cors_origins: z.array(origin).max(MAX_ENTRIES).default([]),
    names: z.array(hostName).max(MAX_ENTRIES).default([]),
  }),
  auth: z.strictObject({
    jwt_secret: z
      .string()
      .min(SHORTEST_SECRET, `expected at least ${SHORTEST_SECRET} characters`)
      .max(4096)
      .nullable()
      .default(null),
    issuer: line(200).default('routelab'),
  }),
  logging: z.strictObject({
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    format: z.enum(['json', 'pretty']).default('json'),
  }),
  routes: z
    .array(DeclaredRoute)
    .max(MAX_ENTRIES)
    .superRefine(distinct(({ id }) => id, 'route'))
    .default([]),
  probes: z.strictObject({
    interval: duration(10, 10_000, '10ms to 10s').prefault('1s'),
    /** 0 measures until told otherwise. */
    duration: duration(0, 86_400_000, '0 to 24h').prefault(0),
    congestion: controller.prefault('bbrv3'),
  }),
  data_sources: z.array(DataSource).max(32).default([]),
  lisp: z.strictObject({
    control_port: port.default(4342),
    map_cache_ttl: seconds(1, 604_800).prefault(3600),
    eid_prefixes: z.array(prefix).max(MAX_ENTRIES).default([]),
    sites: z
      .array(
        z.strictObject({
          name,
          key: z.string().min(1).max(256).nullable().default(null),
          eid_prefixes: z.array(prefix).max(MAX_ENTRIES).default([]),
        }),
      )
      .max(MAX_ENTRIES)
      .superRefine(distinct((site) => site.name, 'site'))
      .default([]),
  }),
  dns: z.strictObject({
    zone: hostName.default('ai-workload.local'),
    port: port.default(5353),
    ttl: seconds(0, 604_800).prefault(300),
    health: z
      .strictObject({
        interval: duration(1000, 3_600_000, '1s to 1h').prefault('30s'),
        timeout: duration(100, 60_000, '100ms to 1m').prefault('3s'),
      })
      .prefault({}),
  }),
  xds: z.strictObject({
    port: port.default(50_051),
    /** By cluster, of each endpoint its weight. */
    clusters: z.record(name, z.record(endpoint, z.number().int().min(0).max(1_000_000))).default({}),
    /** Files in PEM; `ca` asks clients for certificates of it. */
    tls: z
      .strictObject({ cert: line(4096), key: line(4096), ca: line(4096).optional() })
      .nullable()
      .default(null),
  }),
  haproxy: z.strictObject({
    /** A socket's path, or host:port. */
    socket: line(4096).nullable().default(null),
  }),
  models: z
    .record(
      name,
      z.strictObject({
        endpoint,
        /** Requests a minute. */
        rate_limit: z.number().int().min(1).max(1_000_000),
        cost_per_token: z.number().min(0).max(1),
        max_tokens: z.number().int().min(1).max(100_000_000),
      }),
    )
    .default({}),
  monitoring: z.strictObject({
    collect: duration(1000, 3_600_000, '1s to 1h').prefault('10s'),
    check: duration(1000, 3_600_000, '1s to 1h').prefault('5s'),
    keep: duration(60_000, 31_536_000_000, '1m to 8760h').prefault('24h'),
    alerts: z
      .strictObject({
        cpu: ratio.default(0.8),
        memory: ratio.default(0.85),
        error_rate: ratio.default(0.05),
        response_time: duration(1, 600_000, '1ms to 10m').prefault('10s'),
        model_load: ratio.default(0.9),
      })
      .prefault({}),
  }),
  store: z
    .strictObject({
      raw_days: z.number().int().min(1).max(3650).default(30),
      rollup_days: z.number().int().min(1).max(3650).default(90),
    })
    .superRefine(({ raw_days, rollup_days }, context) => {
      if (rollup_days >= raw_days) return;
      const message = `${rollup_days} days are shorter than the ${raw_days} of raw_days`;
      context.addIssue({ code: 'custom', path: ['rollup_days'], message });
    }),
};

/** What lab.yaml may hold. */
export const Config = z.strictObject({
  ...sections,
  server: sections.server.prefault({}),
  auth: sections.auth.prefault({}),
  logging: sections.logging.prefault({}),
  probes: sections.probes.prefault({}),
  lisp: sections.lisp.prefault({}),
  dns: sections.dns.prefault({}),
  xds: sections.xds.prefault({}),
  haproxy: sections.haproxy.prefault({}),
  monitoring: sections.monitoring.prefault({}),
  store: sections.store.prefault({}),
});
export type Config = z.infer<typeof Config>;

/** Of every field of a section its path, and what it is checked by; a list or a table of names counts as one field. */
export function fieldsOf(schema: z.ZodType, path = ''): { path: string; schema: z.ZodType }[] {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return [{ path, schema }];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, field]) =>
    fieldsOf(field, path === '' ? key : `${path}.${key}`),
  );
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? unwrapped(schema.unwrap() as z.ZodType)
    : schema;
}

/** What the number that a field's text becomes counts; null for what is no time. */
export function unitOf(schema: z.ZodType): 'ms' | 's' | null {
  const unit = unwrapped(schema).meta()?.['unit'];
  return unit === 'ms' || unit === 's' ? unit : null;
}

/** The names an object at `path` of the schema may have; null where any name may stand. */
export function namesAt(path: readonly PropertyKey[]): string[] | null {
  let at: unknown = Config;
  for (const key of path) {
    at = structure(at);
    if (at instanceof z.ZodObject) at = (at.shape as Record<string, unknown>)[String(key)];
    else if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return null;
  }
  const here = structure(at);
  return here instanceof z.ZodObject ? Object.keys(here.shape) : null;
}

function structure(schema: unknown): unknown {
  return schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional
    ? structure(schema.unwrap())
    : schema;
}
