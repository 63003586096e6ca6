import { errorBody } from '../../lab/errors.ts';
import { useControllers } from '../../lab/queries.ts';
import { Failure } from './Form.tsx';
import { ParameterFields } from './ParameterFields.tsx';
import { outOfRange, type ParameterValues } from './parameters.ts';

interface Props {
  controller: string;
  values: ParameterValues;
  /** What else is wrong, by the parameter's name. */
  errors: Readonly<Record<string, string>>;
  onChange: (values: ParameterValues) => void;
}

/** The parameters of a controller, once the lab has told them. */
export function ControllerParameters({ controller, values, errors, onChange }: Props) {
  const { data, error } = useControllers();
  if (error) return <Failure>The controllers could not be had: {errorBody(error).message}</Failure>;
  const specs = data?.find(({ name }) => name === controller)?.parameters ?? [];
  if (specs.length === 0) return null;
  return (
    <ParameterFields
      key={controller}
      specs={specs}
      values={values}
      errors={{ ...errors, ...outOfRange(values, specs) }}
      onChange={onChange}
    />
  );
}
