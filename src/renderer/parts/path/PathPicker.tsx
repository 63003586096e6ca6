import { Button } from '@mantine/core';
import { useState } from 'react';
import { errorBody } from '../../lab/errors.ts';
import { useProfiles } from '../../lab/queries.ts';
import { describeLink } from './describe.ts';
import { CUSTOM, DIRECTIONS, type EmulationFields, PLAIN_PATH } from './fields.ts';
import { LinkEditor } from './LinkEditor.tsx';
import classes from './PathPicker.module.css';
import { ProfileSelect } from './ProfileSelect.tsx';

interface Props {
  value: EmulationFields | null;
  onChange: (value: EmulationFields | null) => void;
  /** What is wrong, by path within the emulation: `up.delayMs`; '' for all of it. */
  errors: Readonly<Record<string, string>>;
  /** Words under the field, while nothing is wrong. */
  about: string;
  /** Whether there may be no emulated path at all. */
  optional: boolean;
}

/** An emulated path: a named profile with both directions in view, each of which can then be changed. */
export function PathPicker({ value, onChange, errors, about, optional }: Props) {
  const { data: profiles = [], error } = useProfiles();
  const [isEditing, setEditing] = useState(false);
  const choose = (name: string | null): void => {
    const profile = profiles.find((candidate) => candidate.name === name)?.emulation;
    if (name === null) onChange(null);
    else if (profile) onChange(structuredClone(profile));
    else {
      onChange({ ...structuredClone(value ?? PLAIN_PATH), profile: CUSTOM });
      setEditing(true);
    }
  };
  const hasFaults = Object.keys(errors).some((path) => path !== '');
  const isOpen = isEditing || hasFaults;
  return (
    <div className={classes.picker}>
      <ProfileSelect
        value={value?.profile ?? null}
        onChange={choose}
        profiles={profiles}
        description={error ? `The profiles could not be had: ${errorBody(error).message}` : about}
        error={errors['']}
        optional={optional}
      />
      {value && !isOpen && <Preview path={value} />}
      {value && (
        <Button
          className={classes.edit!}
          aria-expanded={isOpen}
          disabled={hasFaults}
          onClick={() => setEditing(!isEditing)}
        >
          {isOpen ? 'Done' : 'Change the path'}
        </Button>
      )}
      {value && isOpen && <LinkEditor path={value} onChange={onChange} errors={errors} />}
    </div>
  );
}

function Preview({ path }: { path: EmulationFields }) {
  const described = DIRECTIONS.map(
    (direction) => new Map(describeLink(path[direction]).map((row) => [row.label, row.text])),
  );
  const labels = [...new Set(described.flatMap((rows) => [...rows.keys()]))];
  return (
    <table className={classes.preview} data-testid="path-preview">
      <thead>
        <tr>
          <th scope="col">
            {path.flap
              ? `Out for ${Number(path.flap.downMs) / 1e3} s of every ${Number(path.flap.periodMs) / 1e3} s`
              : 'Each way'}
          </th>
          <th scope="col">up</th>
          <th scope="col">down</th>
        </tr>
      </thead>
      <tbody>
        {labels.map((label) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {described.map((rows, direction) => (
              <td key={DIRECTIONS[direction]}>{rows.get(label) ?? '–'}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
