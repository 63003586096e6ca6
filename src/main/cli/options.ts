/** Option parsers that several commands share. Each throws RL_INPUT_INVALID naming the option. */
import { Option } from 'commander';
import { type Controller, controllerNamed } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { checkParameters } from '../congestion/index.ts';

const invalid = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field}: ${message}`, { field });

/** A number within [min, max]; `integer` accepts whole ones only. */
export function parseNumber(
  text: string,
  field: string,
  range: { min: number; max: number; integer?: boolean },
): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || (range.integer && !Number.isInteger(value))) {
    throw invalid(field, `"${text}" is not a ${range.integer ? 'whole ' : ''}number`);
  }
  if (value < range.min || value > range.max) {
    throw invalid(field, `${text} is not from ${range.min} to ${range.max}`);
  }
  return value;
}

/** One of `choices`. */
export function parseChoice<T extends string>(text: string, field: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw invalid(field, `"${text}" is none of ${choices.join(', ')}`);
  return found;
}

/** A default for `--help` to show as a user would write it. */
export const withDefault = (flags: string, about: string, value: unknown, shown: string): Option =>
  new Option(flags, about).default(value, shown);

/** The controllers a connection can be given, for `--congestion`. */
export const parseController = (text: string) => controllerNamed(text, '--congestion');

/** Collects `--set Name=value`, one parameter of the congestion controller each. */
export function collectParameter(
  text: string,
  previous: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const match = /^([A-Za-z][A-Za-z0-9_]*)=(.+)$/.exec(text);
  if (match === null) throw invalid('--set', `"${text}" is not Name=value`);
  const name = match[1]!;
  return {
    ...previous,
    [name]: parseNumber(match[2]!, `--set ${name}`, { min: -Number.MAX_VALUE, max: Number.MAX_VALUE }),
  };
}

/** The controller of `--congestion` and `--set`, its parameters checked before anything is sent. */
export function chosenController(options: {
  congestion: Controller;
  set?: Readonly<Record<string, number>>;
}): { name: Controller; parameters: Readonly<Record<string, number>> } {
  const { congestion: name, set: parameters = {} } = options;
  checkParameters(name, parameters);
  return { name, parameters };
}

/** Collects origins as browsers send them: scheme, host and port, nothing more. */
export function collectOrigin(text: string, previous: readonly string[] = []): readonly string[] {
  const isOrigin = URL.canParse(text) && new URL(text).origin === text;
  if (!isOrigin) throw invalid('--cors-origin', `"${text}" is not an origin such as https://tool.example`);
  return [...previous, text];
}

/** Collects a repeatable option, commas allowed. */
export const collectList = (text: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  ...text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
];
