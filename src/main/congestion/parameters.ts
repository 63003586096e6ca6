/** Checks of controller parameters against their table. */
import { LabError } from '../../shared/errors.ts';
import { suggestion } from '../../shared/suggestion.ts';
import type { ParameterSpec } from './controller.ts';

/**
 * All parameters of a controller: those given, the rest at their defaults. Throws LabError RL_INPUT_INVALID, with the
 * parameter's name as its field, for a name that is not in the table and for a value outside the accepted range.
 */
export function resolveParameters(
  specs: readonly ParameterSpec[],
  given: Readonly<Record<string, number>>,
): Record<string, number> {
  const known = new Map(specs.map((spec) => [spec.name, spec]));
  const resolved: Record<string, number> = {};
  for (const { name, default: value } of specs) resolved[name] = value;
  for (const [name, value] of Object.entries(given)) {
    const spec = known.get(name);
    if (!spec) {
      const names = specs.map((each) => each.name).join(', ');
      const meant = suggestion(name, [...known.keys()]);
      const hint = meant === null ? '' : ` (did you mean ${meant}?)`;
      throw new LabError('RL_INPUT_INVALID', `Unknown parameter ${name}${hint}; known are ${names}`, {
        field: name,
      });
    }
    const whole = spec.unit === 'count' || spec.unit === 'rounds';
    // Written so that NaN fails too.
    if (!(value >= spec.min && value <= spec.max) || (whole && !Number.isInteger(value))) {
      const range = `${whole ? 'whole numbers from ' : ''}${spec.min} to ${spec.max} (${spec.unit})`;
      throw new LabError('RL_INPUT_INVALID', `${name} is ${value}; accepted are ${range}`, { field: name });
    }
    resolved[name] = value;
  }
  return resolved;
}
