/** The probe form: what its fields hold, and how that becomes a ProbeInput or one message per field at fault. */
import { z } from 'zod';
import { Controller, Emulation } from '../../../../shared/domain.ts';
import { DEFAULT_FEC, DEFAULT_PACKETS, FecScheme } from '../../../../shared/fec.ts';
import { HandshakeStart, MOVES, Move } from '../../../../shared/probe-details.ts';
import type { ControllerInfo, ProbeTarget } from '../../../../shared/probes.ts';
import { appliesTo, faultOf, ProbeInput, ProbeMode } from '../../../../shared/probes.ts';
import { changedOf, outOfRange } from '../../../parts/form/parameters.ts';
import { messagesOf } from '../../../parts/issues.ts';
import { type EmulationFields, type Field, PLAIN_PATH } from '../../../parts/path/fields.ts';

export interface ProbeFields {
  name: string;
  kind: ProbeTarget['kind'];
  host: string;
  port: Field;
  serverName: string;
  insecure: boolean;
  routeId: string | null;
  emulation: EmulationFields;
  mode: ProbeInput['mode'];
  durationS: Field;
  ratePerS: Field;
  /** Null: no limit but the duration. */
  bytes: Field | null;
  count: Field | null;
  warmUpS: Field;
  handshake: ProbeInput['handshake'];
  streams: Field;
  path: string;
  moves: ProbeInput['moves'];
  fec: Record<'k' | 'redundancy', Field> & Pick<ProbeInput['fec'], 'scheme' | 'adaptive'>;
  packetBytes: Field;
  packetsPerS: Field;
  controller: ProbeInput['controller'];
  /** What somebody typed; what equals the default is not sent. */
  parameters: Record<string, Field>;
}

/** A probe as the contract would fill it in. */
export const NEW_PROBE: ProbeFields = {
  name: '',
  kind: 'emulated',
  host: '',
  port: 443,
  serverName: '',
  insecure: false,
  routeId: null,
  emulation: PLAIN_PATH,
  mode: 'download',
  durationS: 10,
  ratePerS: 10,
  bytes: null,
  count: null,
  warmUpS: 0,
  handshake: 'cold',
  streams: 4,
  path: '/',
  moves: [...MOVES],
  fec: { ...DEFAULT_FEC },
  packetBytes: DEFAULT_PACKETS.bytes,
  packetsPerS: DEFAULT_PACKETS.perS,
  controller: 'cubic',
  parameters: {},
};

type Parsed =
  | { input: z.output<typeof ProbeInput>; errors: null }
  | { input: null; errors: Record<string, string> };

/** The field of the form that a field of the input stands in: `target.id` is `routeId`. */
export function fieldOf(path: string): string {
  if (path === 'target.id') return 'routeId';
  // A rate that no relay here carries: of either direction.
  if (path === 'rate') return 'emulation';
  return path.startsWith('target.') ? path.slice('target.'.length) : path;
}

const field = z.union([z.number(), z.literal('')]);
const KeptFields = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('not JSON');
      return z.NEVER;
    }
  })
  .pipe(
    z.object({
      name: z.string().catch(NEW_PROBE.name),
      kind: z.enum(['emulated', 'route', 'address']).catch(NEW_PROBE.kind),
      host: z.string().catch(NEW_PROBE.host),
      port: field.catch(NEW_PROBE.port),
      serverName: z.string().catch(NEW_PROBE.serverName),
      insecure: z.boolean().catch(NEW_PROBE.insecure),
      routeId: z.string().nullable().catch(NEW_PROBE.routeId),
      emulation: Emulation.catch(() => PLAIN_PATH as Emulation),
      mode: ProbeMode.catch(NEW_PROBE.mode),
      durationS: field.catch(NEW_PROBE.durationS),
      ratePerS: field.catch(NEW_PROBE.ratePerS),
      bytes: field.nullable().catch(NEW_PROBE.bytes),
      count: field.nullable().catch(NEW_PROBE.count),
      warmUpS: field.catch(NEW_PROBE.warmUpS),
      handshake: HandshakeStart.catch(NEW_PROBE.handshake),
      streams: field.catch(NEW_PROBE.streams),
      path: z.string().catch(NEW_PROBE.path),
      moves: z.array(Move).catch(NEW_PROBE.moves),
      fec: z
        .object({ scheme: FecScheme, k: field, redundancy: field, adaptive: z.boolean() })
        .catch(NEW_PROBE.fec),
      packetBytes: field.catch(NEW_PROBE.packetBytes),
      packetsPerS: field.catch(NEW_PROBE.packetsPerS),
      controller: Controller.catch(NEW_PROBE.controller),
      parameters: z.record(z.string(), field).catch({}),
    }),
  );

export function parseProbe(fields: ProbeFields, specs: ControllerInfo['parameters']): Parsed {
  const result = ProbeInput.safeParse({
    name: fields.name.trim() || null,
    target: targetOf(fields),
    mode: fields.mode,
    durationS: fields.durationS,
    ...ofMode(fields),
    controller: fields.controller,
    parameters: changedOf(fields.parameters, specs),
  });
  const errors = result.success ? {} : messagesOf(result.error.issues);
  const fault = result.success ? faultOf(result.data) : null;
  if (fault !== null) errors[fault.field] = fault.message;
  for (const [name, message] of Object.entries(outOfRange(fields.parameters, specs))) {
    errors[`parameters.${name}`] = message;
  }
  if (result.success && Object.keys(errors).length === 0) return { input: result.data, errors: null };
  return {
    input: null,
    errors: Object.fromEntries(Object.entries(errors).map(([path, message]) => [fieldOf(path), message])),
  };
}

const OF_MODES = [
  'ratePerS',
  'bytes',
  'count',
  'warmUpS',
  'handshake',
  'streams',
  'path',
  'moves',
  'fec',
  'packetBytes',
  'packetsPerS',
] as const;

/** What the form does not show of a mode cannot be at fault, and is not sent. */
const ofMode = (fields: ProbeFields): Record<string, unknown> =>
  Object.fromEntries(
    OF_MODES.map((name) => [name, (appliesTo(name, fields.mode) ? fields : NEW_PROBE)[name]]),
  );

function targetOf({ kind, host, port, serverName, insecure, routeId, emulation }: ProbeFields): unknown {
  if (kind === 'address') return { kind, host, port, serverName: serverName.trim() || null, insecure };
  return kind === 'route' ? { kind, id: routeId ?? '' } : { kind, emulation };
}

/** The form as `JSON.stringify` kept it; what makes no sense in it, of an older version, is as new. */
export function fieldsFrom(text: string | null): ProbeFields {
  const kept = KeptFields.safeParse(text);
  return kept.success ? { ...NEW_PROBE, ...kept.data } : NEW_PROBE;
}

/** The form as it was for a run. */
export function fieldsOf(input: ProbeInput): ProbeFields {
  const { target, name, parameters, ...rest } = input;
  const fields = {
    ...NEW_PROBE,
    ...rest,
    name: name ?? '',
    kind: target.kind,
    parameters: { ...parameters },
  };
  if (target.kind === 'route') return { ...fields, routeId: target.id };
  if (target.kind === 'emulated') return { ...fields, emulation: structuredClone(target.emulation) };
  const { host, port, serverName, insecure } = target;
  return { ...fields, host, port, serverName: serverName ?? '', insecure };
}
