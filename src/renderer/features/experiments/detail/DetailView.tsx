import { Button, Menu } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { useState } from 'react';
import type { Experiment, ExportFormat } from '../../../../shared/experiments.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { RUNS_AT_ONCE, useExperimentRuns } from '../../../lab/queries.ts';
import { useBusy } from '../../../parts/attempt.ts';
import { Badges } from '../../../parts/Badges.tsx';
import { exportAs } from '../actions.ts';
import type { ExperimentsViewControl } from '../view.ts';
import { marksOf, shownMetric } from '../words.ts';
import { About, Name } from './About.tsx';
import { AgainForm } from './AgainForm.tsx';
import classes from './DetailView.module.css';
import { GatesTable } from './GatesTable.tsx';
import { MetricsChart } from './MetricsChart.tsx';
import { MetricsTable } from './MetricsTable.tsx';
import { Progress } from './Progress.tsx';
import { RunsTable } from './RunsTable.tsx';
import { useWatched } from './watch.ts';

interface Props {
  experiment: Experiment;
  view: ExperimentsViewControl;
  /** How often to run it again is asked. */
  isAsking: boolean;
  onAsking: (isAsking: boolean) => void;
}

const ARCHIVES: readonly [ExportFormat, string][] = [
  ['jsonl', 'JSON lines, everything'],
  ['csv', 'CSV tables in a ZIP, everything'],
  ['parquet', 'Parquet tables in a ZIP, everything'],
  ['qlog', 'qlog of its congestion series'],
];
const REPORTS: readonly [ExportFormat, string][] = [
  ['html', 'HTML, with charts'],
  ['md', 'Markdown'],
  ['json', 'JSON'],
];

/** One experiment: what it is, how far it is, what its runs came to. */
export function DetailView({ experiment, view, isAsking, onAsking }: Props) {
  useWatched(experiment);
  const { data } = useExperimentRuns(experiment.id);
  const runs = data?.runs ?? null;
  return (
    <article className={classes.detail} aria-label={experiment.name} data-testid="experiment">
      <header className={classes.head}>
        <Name experiment={experiment} />
        <Badges {...marksOf(experiment)} />
        <span className={classes.fill} />
        <CommandButton command="experiments.pin">
          {experiment.pinned ? 'Unpin baseline' : 'Pin as baseline'}
        </CommandButton>
        <CommandButton command="experiments.mark">Compare</CommandButton>
        <Exports experiment={experiment} />
        <CommandButton command="experiments.again">Run again</CommandButton>
        <CommandButton command="selection.remove">Remove</CommandButton>
      </header>
      <Progress experiment={experiment} runs={runs ?? []} />
      {isAsking && (
        <AgainForm
          experiment={experiment}
          onClose={() => onAsking(false)}
          onBegun={({ id }) => {
            onAsking(false);
            if (id !== experiment.id) view.open(id);
          }}
        />
      )}
      <div className={classes.columns}>
        <About experiment={experiment} />
        <div className={classes.results}>
          {runs !== null && data && data.total > RUNS_AT_ONCE && (
            <p className={classes.note}>
              The first {RUNS_AT_ONCE} of {data.total} runs are shown and counted here; an export has all.
            </p>
          )}
          {runs !== null && <GatesTable experiment={experiment} runs={runs} />}
          {runs !== null && <MetricsChart runs={runs} view={view} />}
          {runs !== null && <MetricsTable runs={runs} metric={shownMetric(runs, view.metric)} />}
          {runs !== null && <RunsTable runs={runs} />}
        </div>
      </div>
    </article>
  );
}

function Exports({ experiment }: { experiment: Experiment }) {
  const [redact, setRedact] = useState(false);
  const isBusy = useBusy((s) => s.busy.has(`export-${experiment.id}`));
  return (
    <Menu position="bottom-end" width={270}>
      <Menu.Target>
        <Button loading={isBusy}>Export</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Archive</Menu.Label>
        {ARCHIVES.map(([format, words]) => (
          <Menu.Item key={format} onClick={() => exportAs(experiment, format, false)}>
            {words}
          </Menu.Item>
        ))}
        <Menu.Label>Report</Menu.Label>
        {REPORTS.map(([format, words]) => (
          <Menu.Item key={format} onClick={() => exportAs(experiment, format, redact)}>
            {words}
            {redact && ', names masked'}
          </Menu.Item>
        ))}
        <Menu.Item
          role="menuitemcheckbox"
          aria-checked={redact}
          closeMenuOnClick={false}
          onClick={() => setRedact(!redact)}
          leftSection={redact ? <IconCheck size={14} aria-hidden /> : <span className={classes.unchecked} />}
        >
          Mask names, addresses and notes
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
