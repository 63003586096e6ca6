/** An emulated path as a form holds it. */
import type { Emulation, LinkSettings } from '../../../shared/domain.ts';

/** A number field is empty text while nothing is in it. */
export type Field = number | '';

export type LinkFields = {
  [K in keyof LinkSettings]: LinkSettings[K] | (number extends LinkSettings[K] ? '' : never);
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

/** `path` with fields of one direction set, those given as undefined taken away; it is nobody's profile any more. */
export function withLink(
  path: EmulationFields,
  direction: Direction,
  change: { [K in keyof LinkFields]?: LinkFields[K] | undefined },
): EmulationFields {
  const link = Object.fromEntries(
    Object.entries({ ...path[direction], ...change }).filter(([, value]) => value !== undefined),
  ) as LinkFields;
  return { ...path, profile: CUSTOM, [direction]: link };
}
