import { TagsInput, Textarea, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { Experiment } from '../../../../shared/experiments.ts';
import { useRoutes } from '../../../lab/queries.ts';
import { whenOf } from '../../../theme/clock.ts';
import { change } from '../actions.ts';
import { manifestFacts } from '../manifest.ts';
import { exactly, parameterText, parameterTitle } from '../parameters.ts';
import classes from './About.module.css';

/** What is typed, saved when the field is left; Escape takes back what was not saved. */
function useEdited(saved: string, save: (typed: string) => void) {
  const [typed, setTyped] = useState(saved);
  useEffect(() => setTyped(saved), [saved]);
  return {
    value: typed,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      setTyped(event.currentTarget.value),
    onBlur: () => {
      if (typed !== saved) save(typed);
    },
    onKeyDown: (event: React.KeyboardEvent<HTMLElement>) => {
      if (event.key === 'Escape') setTyped(saved);
    },
  };
}

export function Name({ experiment }: { experiment: Experiment }) {
  const { name } = experiment;
  const edited = useEdited(name, (typed) => change(experiment, 'The name', { name: typed.trim() }));
  const isEmpty = edited.value.trim() === '';
  return (
    <h2 className={classes.name}>
      <TextInput
        {...edited}
        aria-label="Name"
        maxLength={200}
        error={isEmpty}
        onBlur={() => !isEmpty && edited.onBlur()}
        onKeyDown={(event) => {
          edited.onKeyDown(event);
          if (event.key === 'Enter') event.currentTarget.blur();
        }}
      />
    </h2>
  );
}

/** What it is: facts of its manifest, which reproduces it, and what people say of it. */
export function About({ experiment }: { experiment: Experiment }) {
  const { kind, createdAtMs, manifest } = experiment;
  const { facts, routes, parameters } = manifestFacts(manifest);
  const here = useRoutes().data ?? [];
  const notes = useEdited(experiment.notes, (typed) => change(experiment, 'The note', { notes: typed }));
  return (
    <aside className={classes.about} aria-label="About the experiment">
      <TagsInput
        label="Tags"
        maxTags={16}
        value={experiment.tags}
        onChange={(tags) =>
          change(experiment, 'The tags', { tags: tags.map((tag) => tag.trim().slice(0, 32)) })
        }
      />
      <Textarea {...notes} label="Notes" size="xs" autosize minRows={3} maxRows={10} maxLength={100_000} />
      <h3>Manifest</h3>
      <dl data-testid="manifest">
        <Fact name="Kind" value={kind} />
        <Fact name="Made" value={whenOf(createdAtMs)} />
        {facts.map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
      {routes.length > 0 && <h3>Routes</h3>}
      <ul>
        {routes.map(({ id, name, told }) => (
          <li key={id ?? name}>
            {here.some((route) => route.id === id) ? (
              <Link to="/routes" search={{ show: id! }}>
                History of {name}
              </Link>
            ) : (
              <span>{name}, not in this lab now</span>
            )}
            <dl>
              {told.map(([path, value]) => (
                <Parameter key={path} path={path} value={value} />
              ))}
            </dl>
          </li>
        ))}
      </ul>
      {parameters.length > 0 && <h3>Parameters</h3>}
      <dl>
        {parameters.map(([path, value]) => (
          <Parameter key={path} path={path} value={value} />
        ))}
      </dl>
    </aside>
  );
}

const Fact = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt title={name}>{name}</dt>
    <dd title={value}>{value}</dd>
  </div>
);

/** As the manifest has it when pointed at. */
const Parameter = ({ path, value }: { path: string; value: unknown }) => (
  <div>
    <dt title={path}>{parameterTitle(path)}</dt>
    <dd title={exactly(value)}>{parameterText(path, value)}</dd>
  </div>
);
