/** Parameters of a congestion controller as a form holds them. */
import type { ControllerInfo } from '../../../shared/probes.ts';
import { errorsUnder, under } from '../issues.ts';
import type { Field } from '../path/fields.ts';

/** By their names; what is empty or not there is at its default. */
export type ParameterValues = Record<string, Field>;

interface ControllerForm {
  getValues(): { controller: string; parameters: ParameterValues };
  errors: Readonly<Record<string, unknown>>;
  setFieldValue(field: 'parameters', values: ParameterValues): void;
  clearFieldError(path: string): void;
}

/** For `ControllerParameters`: those of a form's controller, whose errors go when one is changed. */
export function parametersOf(form: ControllerForm) {
  const { controller, parameters: values } = form.getValues();
  const errors = errorsUnder('parameters', form.errors);
  return {
    controller,
    values,
    errors,
    onChange: (changed: ParameterValues): void => {
      form.setFieldValue('parameters', changed);
      for (const name of Object.keys(errors)) form.clearFieldError(under('parameters', name));
    },
  };
}

/** The parameters that differ from their defaults; an empty field is at its default. */
export const changedOf = (
  parameters: ParameterValues,
  specs: ControllerInfo['parameters'],
): Record<string, number> =>
  Object.fromEntries(
    specs.flatMap((spec) => {
      const value = parameters[spec.name];
      return typeof value === 'number' && value !== spec.default ? [[spec.name, value]] : [];
    }),
  );

/** What is wrong with the changed parameters, by their names. */
export function outOfRange(
  parameters: ParameterValues,
  specs: ControllerInfo['parameters'],
): Record<string, string> {
  const messages: Record<string, string> = {};
  for (const [name, value] of Object.entries(changedOf(parameters, specs))) {
    const { min, max, unit } = specs.find((spec) => spec.name === name)!;
    if (value < min || value > max) messages[name] = `from ${min} to ${max}`;
    else if (unit === 'count' && !Number.isInteger(value)) messages[name] = 'a whole number is required';
  }
  return messages;
}
