import { NumberInput, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { ControllerInfo } from '../../../shared/probes.ts';
import { numberIn } from '../number-in.ts';
import classes from './ParameterFields.module.css';
import { changedOf, type ParameterValues } from './parameters.ts';

interface Props {
  specs: ControllerInfo['parameters'];
  values: ParameterValues;
  /** Messages by the parameter's name. */
  errors: Readonly<Record<string, string>>;
  onChange: (values: ParameterValues) => void;
}

/** Above this many it is worth finding one by typing. */
const SEARCHED_FROM = 9;

/** The parameters of a controller as its own table describes them; an empty field is at its default. */
export function ParameterFields({ specs, values, errors: all, onChange }: Props) {
  // What is typed may be out of range until it is whole: it is judged once the field is left.
  const [typed, setTyped] = useState<string | null>(null);
  const errors = Object.fromEntries(Object.entries(all).filter(([name]) => name !== typed));
  const [search, setSearch] = useState('');
  const [isOpen, setOpen] = useState(false);
  const changed = changedOf(values, specs);
  const count = Object.keys(changed).length;
  const faults = Object.keys(errors).length;
  const wanted = search.trim().toLowerCase();
  const shown = specs.filter(
    ({ name, doc }) =>
      errors[name] !== undefined || name.toLowerCase().includes(wanted) || doc.toLowerCase().includes(wanted),
  );
  return (
    <details
      className={classes.parameters}
      open={isOpen || faults > 0}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        Parameters
        <span className={classes.count}>
          {count > 0 ? `${count} of ${specs.length} changed` : `${specs.length}, all at their defaults`}
          {faults > 0 && (
            <span className={classes.faults} data-testid="parameter-faults">
              , {faults} {faults === 1 ? 'error' : 'errors'}
            </span>
          )}
        </span>
      </summary>
      {specs.length >= SEARCHED_FROM && (
        <TextInput
          aria-label="Find a parameter"
          placeholder="Find a parameter"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      {shown.map((spec) => (
        <Parameter
          key={spec.name}
          spec={spec}
          value={values[spec.name] ?? ''}
          isChanged={spec.name in changed}
          error={errors[spec.name]}
          onChange={(value) => {
            setTyped(spec.name);
            onChange({ ...values, [spec.name]: value });
          }}
          onLeave={() => setTyped(null)}
        />
      ))}
      {shown.length === 0 && <p className={classes.note}>No parameter of that name.</p>}
    </details>
  );
}

interface ParameterProps {
  spec: ControllerInfo['parameters'][number];
  value: number | '';
  isChanged: boolean;
  error: string | undefined;
  onChange: (value: number | '') => void;
  onLeave: () => void;
}

function Parameter({ spec, value, isChanged, error, onChange, onLeave }: ParameterProps) {
  const { name, default: usual, unit, min, max, section, doc } = spec;
  // Plain numbers have none.
  const shownUnit = unit === 'count' || unit === 'ratio' ? '' : unit;
  const field = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState<number | string>(value);
  useEffect(() => {
    if (error !== undefined) field.current?.scrollIntoView({ block: 'nearest' });
  }, [error]);
  return (
    <div ref={field} className={classes.parameter} data-changed={isChanged}>
      <NumberInput
        label={name}
        description={`${doc} ${min} to ${max}${shownUnit && ` ${shownUnit}`}; ${section}`}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        placeholder={String(usual)}
        value={numberIn(typed) === (value === '' ? null : value) ? typed : value}
        hideControls
        error={error}
        rightSection={shownUnit && <span className={classes.unit}>{shownUnit}</span>}
        rightSectionWidth={shownUnit.length * 6 + 14}
        onChange={(next) => {
          setTyped(next);
          onChange(numberIn(next) ?? '');
        }}
        onBlur={onLeave}
      />
    </div>
  );
}
