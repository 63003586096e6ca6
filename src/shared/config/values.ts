/** The kinds of values a setting can have, as schemas: each says what was wrong in words, without the field's name. */
import { z } from 'zod';
import { hostName } from '../domain.ts';
import { LabError } from '../errors.ts';
import { parseDuration } from '../units.ts';

/** Runs a house parser within a schema; its message loses the field, which the schema's path names. */
function read<T>(context: z.RefinementCtx, parse: (field: string) => T): T {
  try {
    return parse('value');
  } catch (thrown) {
    if (!(thrown instanceof LabError)) throw thrown;
    context.addIssue({ code: 'custom', message: thrown.message.replace(/^value: /, '') });
    return z.NEVER;
  }
}

const quantity = z.union([z.string().max(40), z.number()], 'expected a duration such as 250ms or 5s');

/** A duration in milliseconds. A bare number other than 0 is refused. */
export const duration = (minMs: number, maxMs: number, range: string) =>
  quantity
    .transform((given, context) => {
      const ms = read(context, (field) => parseDuration(String(given), field)) / 1000;
      if (ms < minMs || ms > maxMs) context.addIssue({ code: 'custom', message: `not from ${range}` });
      return ms;
    })
    .meta({ unit: 'ms' });

/** A time to live in whole seconds: a bare number counts seconds. */
export const seconds = (min: number, max: number) =>
  quantity
    .transform((given, context) => {
      const value = read(context, (field) => parseDuration(String(given), field, 's')) / 1e6;
      if (!Number.isInteger(value) || value < min || value > max)
        context.addIssue({ code: 'custom', message: `not a whole number of seconds from ${min} to ${max}` });
      return value;
    })
    .meta({ unit: 's' });

export const port = z.number().int().min(1).max(65_535);
export const ratio = z.number().min(0).max(1);
export const line = (max: number) => z.string().trim().min(1).max(max);

/** A URL of http or https without a user name or password: those would be seen in logs. */
export const webUrl = z
  .string()
  .max(2048)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, username, password } = new URL(text);
    return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
  }, 'expected a URL such as http://localhost:9090, without a user name');

/** An origin as browsers send it: scheme, host and port. */
export const origin = z
  .string()
  .max(300)
  .refine(
    (text) => URL.canParse(text) && new URL(text).origin === text,
    'expected an origin such as https://tool.example',
  );

/** `host:port`, an IPv6 address in brackets. */
export const endpoint = z
  .string()
  .max(300)
  .refine((text) => endpointOf(text) !== null, 'expected host:port, such as server.example:4433');

/** The parts of an endpoint; null when it is none. The host of an IPv6 address stands without its brackets. */
export function endpointOf(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const number = Number(match?.[3]);
  return host !== undefined && hostName.safeParse(host).success && port.safeParse(number).success
    ? { host, port: number }
    : null;
}

/** A prefix in CIDR notation, of IPv4 or IPv6. */
export const prefix = z.union([z.cidrv4(), z.cidrv6()], 'expected a prefix such as 10.1.0.0/16');
