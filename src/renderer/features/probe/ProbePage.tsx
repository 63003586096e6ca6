import { SegmentedControl } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { ProbeRun } from '../../../shared/probes.ts';
import { CommandButton } from '../../commands/CommandButton.tsx';
import { useConnection } from '../../lab/connection.ts';
import { useProbes } from '../../lab/queries.ts';
import { ImportButton, useFiles } from '../../parts/ImportFiles.tsx';
import { Failed, Notice, Page, PageHead } from '../../parts/Page.tsx';
import { importQlog } from './actions.ts';
import { ProbeForm } from './form/ProbeForm.tsx';
import { ProbeCommands } from './ProbeCommands.tsx';
import classes from './ProbePage.module.css';
import { RunFeed } from './run/feed.ts';
import { RunView } from './run/RunView.tsx';
import { RunList } from './runs/RunList.tsx';
import { useProbeView } from './view.ts';

const NO_RUNS: ProbeRun[] = [];
/** From this width on form, run and list stand side by side. */
const THREE_COLUMNS_FROM = 1640;

type Side = 'form' | 'runs';

export function ProbePage() {
  const query = useProbes();
  const runs = query.data ?? NO_RUNS;
  const view = useProbeView();
  const { runId, otherId } = view;
  const online = useConnection((s) => s.phase === 'online');
  const generation = useConnection((s) => s.generation);
  const { ref, width } = useElementSize();
  const isWide = width >= THREE_COLUMNS_FROM;
  const [side, setSide] = useState<Side>(runId === null ? 'form' : 'runs');
  const [feed] = useState(() => new RunFeed());
  const version = useSyncExternalStore(feed.subscribe, feed.version);
  const page = useRef<HTMLDivElement>(null);
  const openFile = useRef<() => void>(() => {});

  useEffect(() => {
    if (online)
      feed.show(
        [runId, otherId].filter((id) => id !== null),
        generation,
      );
  }, [feed, runId, otherId, generation, online]);
  useEffect(() => () => feed.pause(), [feed]);

  const files = useFiles(online, (file) =>
    // Who has left the page meanwhile is not called back to it.
    importQlog(file, (run) => page.current && view.open(run.id)),
  );
  const setUp = (): void => {
    setSide('form');
    // Once the form stands there.
    requestAnimationFrame(() => page.current?.querySelector<HTMLElement>('form input')?.focus());
  };
  const onMore = query.hasNextPage ? () => void query.fetchNextPage() : null;
  const list = (
    <section className={classes.list} aria-label="Stored runs">
      {isWide && <h2 className={classes.title}>Runs</h2>}
      {runs.length > 0 ? (
        <RunList runs={runs} shownId={runId} onMore={onMore} isLoading={query.isFetchingNextPage} />
      ) : (
        <p className={classes.none}>{query.data ? 'No run is stored yet.' : ''}</p>
      )}
    </section>
  );

  return (
    // Files are dropped anywhere; the button does the same.
    <Page ref={page} data-stale={!online && query.data !== undefined} {...files.drop}>
      <PageHead title="Probe" counts={countsOf(query.data, query.hasNextPage)}>
        <ImportButton
          command="probe.import"
          accept=".qlog,.sqlog,.json"
          label="qlog files"
          testId="qlog-files"
          onFiles={files.take}
          opener={openFile}
        >
          Import qlog
        </ImportButton>
        <CommandButton command="probe.new">New probe</CommandButton>
      </PageHead>
      <div ref={ref} className={classes.body} data-wide={isWide}>
        <aside
          className={classes.side}
          aria-label={isWide ? 'Set up a probe' : 'Set up a probe, and stored runs'}
        >
          {isWide ? (
            <h2 className={classes.title}>New probe</h2>
          ) : (
            <SegmentedControl
              className={classes.sides!}
              fullWidth
              aria-label="Beside the run"
              data={[
                { value: 'form', label: 'New probe' },
                { value: 'runs', label: `Runs (${runs.length}${query.hasNextPage ? '+' : ''})` },
              ]}
              value={side}
              onChange={(next) => setSide(next as Side)}
            />
          )}
          {isWide || side === 'form' ? <ProbeForm onStarted={(run) => view.open(run.id)} /> : list}
        </aside>
        <div className={classes.main}>
          {runId !== null ? (
            <RunView
              key={runId}
              feed={feed}
              version={version}
              id={runId}
              listed={runs.find(({ id }) => id === runId) ?? null}
              otherId={otherId}
              runs={runs}
              view={view}
            />
          ) : query.error && online ? (
            <Failed
              title="The runs could not be listed"
              error={query.error}
              onRetry={() => query.refetch()}
            />
          ) : (
            <Nothing hasRuns={runs.length > 0} isLoaded={query.data !== undefined} />
          )}
        </div>
        {isWide && list}
      </div>
      <ProbeCommands
        run={runId === null ? null : (feed.run(runId)?.run ?? runs.find(({ id }) => id === runId) ?? null)}
        runs={runs}
        onMore={onMore}
        view={view}
        onSetUp={setUp}
        onImport={() => openFile.current()}
      />
    </Page>
  );
}

function countsOf(runs: readonly ProbeRun[] | undefined, hasOlder: boolean): string {
  if (!runs) return '';
  const all = hasOlder
    ? `the ${runs.length} newest runs`
    : `${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`;
  const states = (['running', 'queued', 'failed'] as const).flatMap((state) => {
    const count = runs.filter((run) => run.state === state).length;
    return count > 0 ? [`${count} ${state}`] : [];
  });
  return [all, ...states].join(', ');
}

function Nothing({ hasRuns, isLoaded }: { hasRuns: boolean; isLoaded: boolean }) {
  if (!isLoaded) return null;
  return (
    <Notice title={hasRuns ? 'No run is shown' : 'No probe yet'}>
      <p>
        A probe measures one target once and shows what its congestion controller did: windows, rates, round
        trips and phases. An emulated path needs no network. A qlog file, of any QUIC implementation, is shown
        the same way: drop it here.
      </p>
      <CommandButton command="probe.start" variant="filled">
        Start the probe
      </CommandButton>
      <CommandButton command="probe.import">Import a qlog file</CommandButton>
    </Notice>
  );
}
