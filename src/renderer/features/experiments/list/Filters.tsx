import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';
import { RunState } from '../../../../shared/domain.ts';
import { EXPERIMENT_KINDS, type Experiment, ExperimentOrder } from '../../../../shared/experiments.ts';
import type { ExperimentsViewControl } from '../view.ts';
import classes from './Filters.module.css';

const ORDERS: Readonly<Record<ExperimentOrder, string>> = {
  newest: 'newest first',
  oldest: 'oldest first',
  name: 'by name',
  kind: 'by kind',
  runs: 'most runs first',
};

/** What is listed and in which order. Tags are those of the experiments listed. */
export function Filters({
  view,
  experiments,
}: {
  view: ExperimentsViewControl;
  experiments: readonly Experiment[];
}) {
  const { kind = null, tag = null, state = null, order = 'newest' } = view.filter;
  const [text, setText] = useState(view.filter.text ?? '');
  const search = useDebouncedCallback(
    (typed: string) => view.change({ text: typed.trim() || undefined }),
    250,
  );
  const tags = [
    ...new Set([...(tag === null ? [] : [tag]), ...experiments.flatMap((each) => each.tags)]),
  ].sort();
  return (
    <search className={classes.filters}>
      <TextInput
        type="search"
        aria-label="Text in name or notes"
        placeholder="Name or notes"
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          search(event.currentTarget.value);
        }}
        w={220}
      />
      <Select
        aria-label="Kind"
        placeholder="Any kind"
        clearable
        data={[...EXPERIMENT_KINDS]}
        value={kind}
        onChange={(next) => view.change({ kind: (next ?? undefined) as Experiment['kind'] | undefined })}
        w={130}
      />
      <Select
        aria-label="Tag"
        placeholder="Any tag"
        clearable
        searchable
        data={tags}
        value={tag}
        onChange={(next) => view.change({ tag: next ?? undefined })}
        w={130}
      />
      <Select
        aria-label="With a run that is"
        placeholder="Any state"
        clearable
        data={RunState.options}
        value={state}
        onChange={(next) => view.change({ state: (next ?? undefined) as RunState | undefined })}
        w={130}
      />
      {view.isFiltered && (
        <Button
          onClick={() => {
            setText('');
            view.change({ text: undefined, kind: undefined, tag: undefined, state: undefined });
          }}
        >
          Show all
        </Button>
      )}
      <Select
        aria-label="Order"
        className={classes.order!}
        allowDeselect={false}
        data={ExperimentOrder.options.map((value) => ({ value, label: ORDERS[value] }))}
        value={order}
        onChange={(next) => view.change({ order: (next ?? 'newest') as ExperimentOrder })}
        w={150}
      />
    </search>
  );
}
