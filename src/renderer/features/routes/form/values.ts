/** The route form: what its fields hold, and how that becomes a RouteInput or one message per field at fault. */
import type { z } from 'zod';
import { type Controller, type Route, RouteInput } from '../../../../shared/domain.ts';
import type { ControllerInfo } from '../../../../shared/probes.ts';
import { changedOf, outOfRange, type ParameterValues } from '../../../parts/form/parameters.ts';
import { messagesOf } from '../../../parts/issues.ts';
import type { EmulationFields, Field } from '../../../parts/path/fields.ts';

export interface RouteFields {
  name: string;
  host: string;
  port: Field;
  serverName: string;
  controller: Controller;
  /** The controller's; another controller begins with its defaults. */
  parameters: ParameterValues;
  pingRate: Field;
  transferEveryS: Field | null;
  transferBytes: Field;
  insecure: boolean;
  tags: string[];
  emulation: EmulationFields | null;
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

/** The field of the form that the lab means: a rate that no relay carries is one of the emulated path. */
export const fieldOf = (field: string): string => (field === 'rate' ? 'emulation' : field);

type Parsed =
  | { input: z.output<typeof RouteInput>; errors: null }
  | { input: null; errors: Record<string, string> };

/**
 * The input the fields stand for, or what is wrong by the path of the field: `emulation.up.delayMs`. Without the `specs` of the
 * controller the lab judges its parameters.
 */
export function parseFields(fields: RouteFields, specs: ControllerInfo['parameters'] | undefined): Parsed {
  const { parameters } = fields;
  const result = RouteInput.safeParse({
    ...fields,
    serverName: fields.serverName.trim() || null,
    parameters: specs ? changedOf(parameters, specs) : parameters,
  });
  const errors = result.success ? {} : messagesOf(result.error.issues);
  for (const [name, message] of Object.entries(outOfRange(parameters, specs ?? [])))
    errors[`parameters.${name}`] = message;
  return result.success && Object.keys(errors).length === 0
    ? { input: result.data, errors: null }
    : { input: null, errors };
}
