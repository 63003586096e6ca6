/** An emulated path as a form holds it. */
import type { Emulation, LinkSettings } from '../../../shared/domain.ts';

/** A number field is empty text while nothing is in it. */
export type Field = number | '';

/** Second and bits per second. */
export type ScheduleFields = [Field, Field][];

export type LinkFields = {
  [K in keyof LinkSettings]: K extends 'rateSchedule'
    ? ScheduleFields
    : LinkSettings[K] | (number extends LinkSettings[K] ? '' : never);
};

export interface EmulationFields extends Omit<Emulation, 'up' | 'down' | 'flap'> {
  up: LinkFields;
  down: LinkFields;
  flap: { periodMs: Field; downMs: Field } | null;
}

export type Direction = 'up' | 'down';
export const DIRECTIONS: readonly Direction[] = ['up', 'down'];

/** The name of a path that somebody changed. */
export const CUSTOM = 'custom';

/** A path that changes nothing, to begin from. */
const PLAIN_LINK: LinkFields = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };
export const PLAIN_PATH: EmulationFields = { profile: CUSTOM, up: PLAIN_LINK, down: PLAIN_LINK, flap: null };

/** Fields to change; those given as undefined are taken away. */
export type LinkChange = { [K in keyof LinkFields]?: LinkFields[K] | undefined };

/** `path` with fields of one direction changed; it is nobody's profile any more. */
export function withLink(path: EmulationFields, direction: Direction, change: LinkChange): EmulationFields {
  const link = Object.fromEntries(
    Object.entries({ ...path[direction], ...change }).filter(([, value]) => value !== undefined),
  ) as LinkFields;
  return { ...path, profile: CUSTOM, [direction]: link };
}
