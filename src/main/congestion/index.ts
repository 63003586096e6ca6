/** The controllers there are, by name. */
import { CONTROLLERS, type Controller } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { ControllerInfo } from '../../shared/probes.ts';
import { bbr2 } from './bbr/bbr2.ts';
import { bbr3 } from './bbr/bbr3.ts';
import { bbr1 } from './bbr1/bbr1.ts';
import type { CongestionController, ControllerFactory } from './controller.ts';
import { cubic } from './cubic.ts';
import { newReno } from './newreno.ts';
import { resolveParameters } from './parameters.ts';

const CONTROLLER_FACTORIES: Readonly<Record<Controller, ControllerFactory>> = {
  newreno: newReno,
  cubic,
  bbr1,
  bbr2,
  bbr3,
};

const TITLES = {
  newreno: 'NewReno (RFC 9002)',
  cubic: 'CUBIC (RFC 9438)',
  bbr1: 'BBRv1',
  bbr2: 'BBRv2 (alpha)',
  bbr3: 'BBRv3 (draft-06)',
} as const;

/** Every controller with its parameters. */
export const controllerInfos = (): ControllerInfo[] =>
  CONTROLLERS.map((name) => ({
    name,
    title: TITLES[name],
    parameters: [...CONTROLLER_FACTORIES[name].parameters],
  }));

/** The states that a controller of the BBR family can be in, in its own words; none of another. */
export const controllerStates = (name: Controller): readonly string[] =>
  CONTROLLER_FACTORIES[name].states ?? [];

/** Throws LabError RL_INPUT_INVALID, with the parameter's name as its field, for what `createController` would refuse. */
export function checkParameters(name: Controller, parameters: Readonly<Record<string, number>>): void {
  resolveParameters(CONTROLLER_FACTORIES[name].parameters, parameters);
}

/**
 * A controller in its initial state. `datagramBytes` is the UDP payload of a full packet; `parameters` overrides
 * defaults by name; `random` is uniform on [0, 1). Throws LabError RL_INPUT_INVALID: field `controller` for an unknown
 * name, else the parameter's.
 */
export function createController(
  name: string,
  options: {
    datagramBytes: number;
    parameters?: Readonly<Record<string, number>> | undefined;
    random: () => number;
  },
): CongestionController {
  const factory = Object.values(CONTROLLER_FACTORIES).find((each) => each.name === name);
  if (!factory) {
    const names = Object.keys(CONTROLLER_FACTORIES).join(', ');
    throw new LabError('RL_INPUT_INVALID', `Unknown congestion controller ${name}; known are ${names}`, {
      field: 'controller',
    });
  }
  return factory.create({
    datagramBytes: options.datagramBytes,
    parameters: resolveParameters(factory.parameters, options.parameters ?? {}),
    random: options.random,
  });
}
