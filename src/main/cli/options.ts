/** Option parsers that several commands share. Each throws RL_INPUT_INVALID naming the option. */
import { Option } from 'commander';
import { type Controller, controllerNamed } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { parseDuration } from '../../shared/units.ts';
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

/** What quic-test calls these parameters of BBR (spec/profiles.md). */
export const BBR_PROBE_BW_HELP =
  'how much more bandwidth BBR probes for, 0.05 to 0.5: UP gain 1 + x, DOWN gain 1 - 0.4 x';
export const BBR_PROBE_RTT_HELP = 'time without a lower RTT after which BBR looks for one, 2s to 20s';

export const parseProbeBw = (text: string): number =>
  parseNumber(text, '--bbr-probe-bw', { min: 0.05, max: 0.5 });

export function parseProbeRttInterval(text: string): number {
  const us = parseDuration(text, '--bbr-probe-rtt-interval', 's');
  if (us >= 2e6 && us <= 20e6) return us;
  throw invalid('--bbr-probe-rtt-interval', `${text} is not from 2s to 20s`);
}

interface ControllerOptions {
  congestion?: Controller;
  set?: Readonly<Record<string, number>>;
  bbrProbeBw?: number;
  /** Microseconds. */
  bbrProbeRttInterval?: number;
}

export const DEFAULT_CONTROLLER: Controller = 'cubic';

/** Whether any option says which controller is to be used, and how. */
export const isControllerChosen = (options: ControllerOptions): boolean =>
  [options.congestion, options.set, options.bbrProbeBw, options.bbrProbeRttInterval].some(
    (given) => given !== undefined,
  );

/** The controller of `--congestion` and `--set`, its parameters checked before anything is sent. */
export function chosenController(options: ControllerOptions): {
  name: Controller;
  parameters: Record<string, number>;
} {
  const { congestion: name = DEFAULT_CONTROLLER, set = {}, bbrProbeBw, bbrProbeRttInterval } = options;
  const parameters: Record<string, number> = { ...set };
  const add = (option: string, values: Record<string, number>): void => {
    if (!name.startsWith('bbr'))
      throw invalid(
        option,
        `is for controllers of the BBR family, not for ${name}; choose one with --congestion`,
      );
    for (const [parameter, value] of Object.entries(values)) {
      if (parameter in set) throw invalid(option, `${parameter} is set with --set too`);
      parameters[parameter] = value;
    }
  };
  if (bbrProbeBw !== undefined) {
    const gains = { ProbeBwUpPacingGain: 1 + bbrProbeBw, ProbeBwDownPacingGain: 1 - 0.4 * bbrProbeBw };
    add('--bbr-probe-bw', gains);
  }
  if (bbrProbeRttInterval !== undefined)
    add('--bbr-probe-rtt-interval', { ProbeRTTInterval: bbrProbeRttInterval / 1000 });
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
