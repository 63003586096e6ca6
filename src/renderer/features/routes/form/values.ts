/** The route form: what its fields hold, and how that becomes a RouteInput or one message per field at fault. */
import type { z } from 'zod';
import { type Controller, type Emulation, type Route, RouteInput } from '../../../../shared/domain.ts';

/** A number field is empty text while nothing is in it. */
type Field = number | '';

type LinkFields = {
  [K in keyof Emulation['up']]: Emulation['up'][K] | (Emulation['up'][K] extends number | null ? '' : never);
};

export interface RouteFields {
  name: string;
  host: string;
  port: Field;
  serverName: string;
  controller: Controller;
  /** The controller's; another controller begins with its defaults. */
  parameters: Route['parameters'];
  pingRate: Field;
  transferEveryS: Field | null;
  transferBytes: Field;
  insecure: boolean;
  tags: string[];
  emulation: {
    profile: string;
    up: LinkFields;
    down: LinkFields;
    flap: { periodMs: Field; downMs: Field } | null;
  } | null;
}

/** A new route as the contract would fill it in. */
export const NEW_ROUTE: RouteFields = {
  name: '',
  host: '',
  port: 443,
  serverName: '',
  controller: 'cubic',
  parameters: {},
  pingRate: 10,
  transferEveryS: 15,
  transferBytes: 2_000_000,
  insecure: false,
  tags: [],
  emulation: null,
};

export const fieldsOf = (route: Route): RouteFields => ({
  name: route.name,
  host: route.host,
  port: route.port,
  serverName: route.serverName ?? '',
  controller: route.controller,
  parameters: route.parameters,
  pingRate: route.pingRate,
  transferEveryS: route.transferEveryS,
  transferBytes: route.transferBytes,
  insecure: route.insecure,
  tags: route.tags,
  emulation: route.emulation,
});

type Parsed =
  | { input: z.output<typeof RouteInput>; errors: null }
  | { input: null; errors: Record<string, string> };

/** The input the fields stand for, or what is wrong by the path of the field: `emulation.up.delayMs`. */
export function parseFields(fields: RouteFields): Parsed {
  const result = RouteInput.safeParse({ ...fields, serverName: fields.serverName.trim() || null });
  if (result.success) return { input: result.data, errors: null };
  const errors: Record<string, string> = {};
  for (const issue of result.error.issues) errors[issue.path.join('.')] ??= messageOf(issue);
  return { input: null, errors };
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'a whole number is required' : 'a value is required';
    case 'too_small':
      return issue.origin === 'string' ? issue.message : `at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string' ? `at most ${issue.maximum} letters` : `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}
