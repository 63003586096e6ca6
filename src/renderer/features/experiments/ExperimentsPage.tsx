import { useRef, useState } from 'react';
import type { Experiment } from '../../../shared/experiments.ts';
import { CommandButton } from '../../commands/CommandButton.tsx';
import { useConnection } from '../../lab/connection.ts';
import { useExperiment, useExperiments } from '../../lab/queries.ts';
import { ImportButton, useFiles } from '../../parts/ImportFiles.tsx';
import { Failed, Notice, Page, PageHead } from '../../parts/Page.tsx';
import { importFile } from './actions.ts';
import { CellsDrawer } from './cells/CellsDrawer.tsx';
import { CompareView } from './compare/CompareView.tsx';
import { DetailView } from './detail/DetailView.tsx';
import { ExperimentCommands } from './ExperimentCommands.tsx';
import classes from './ExperimentsPage.module.css';
import { ExperimentTable } from './list/ExperimentTable.tsx';
import { Filters } from './list/Filters.tsx';
import { useExperimentsView } from './view.ts';

const NONE: Experiment[] = [];
const ACCEPTED = '.jsonl,.zip,.json,.qlog,.sqlog';

export function ExperimentsPage() {
  const view = useExperimentsView();
  const query = useExperiments(view.filter);
  const experiments = query.data?.experiments ?? NONE;
  const total = query.data?.total;
  const online = useConnection((s) => s.phase === 'online');
  const [atId, setAtId] = useState<number | null>(null);
  /** Of which experiment it is asked how it is to run again. */
  const [askedId, setAskedId] = useState<number | null>(null);
  const [isPlanning, setPlanning] = useState(false);
  const page = useRef<HTMLDivElement>(null);
  const openFile = useRef<() => void>(() => {});
  const { experimentId, isComparing } = view;
  const at = experiments.find(({ id }) => id === atId) ?? experiments[0] ?? null;

  const files = useFiles(online, (file) =>
    importFile(file, ([first]) => {
      // Who has left the page meanwhile is not called back to it.
      if (first && page.current) view.open(first.id);
    }),
  );
  const onMore = query.hasNextPage ? () => void query.fetchNextPage() : null;

  return (
    // Files are dropped anywhere; the button does the same.
    <Page ref={page} data-stale={!online && query.data !== undefined} {...files.drop}>
      <PageHead
        title="Experiments"
        counts={countsOf(total, experiments.length, view.isFiltered, view.marked.length)}
      >
        {(experimentId !== null || isComparing) && (
          <CommandButton command="experiments.list">Back to the list</CommandButton>
        )}
        {!isComparing && view.marked.length > 0 && (
          <CommandButton command="experiments.compare">Compare {view.marked.length}</CommandButton>
        )}
        <ImportButton
          command="experiments.import"
          accept={ACCEPTED}
          label="Experiment files"
          testId="experiment-files"
          onFiles={files.take}
          opener={openFile}
        >
          Import
        </ImportButton>
        <CommandButton command="experiments.cells">Measure a matrix</CommandButton>
      </PageHead>
      {isComparing ? (
        <CompareView view={view} />
      ) : experimentId !== null ? (
        <Shown
          key={experimentId}
          id={experimentId}
          view={view}
          isAsking={askedId === experimentId}
          onAsking={(asks) => setAskedId(asks ? experimentId : null)}
        />
      ) : (
        <div className={classes.body}>
          {(total !== 0 || view.isFiltered) && <Filters view={view} experiments={experiments} />}
          {experiments.length > 0 ? (
            <ExperimentTable
              experiments={experiments}
              at={at}
              view={view}
              onAt={setAtId}
              onMore={onMore}
              isLoading={query.isFetchingNextPage}
            />
          ) : query.error && online ? (
            <Failed
              title="The experiments could not be listed"
              error={query.error}
              onRetry={() => query.refetch()}
            />
          ) : (
            query.data && <Nothing isFiltered={view.isFiltered} />
          )}
        </div>
      )}
      <Commands
        experiments={experiments}
        at={at}
        onAt={setAtId}
        onMore={onMore}
        onAsk={() => setAskedId(experimentId)}
        onImport={() => openFile.current()}
        onCells={() => setPlanning(true)}
        onFind={() => page.current?.querySelector<HTMLElement>('input[type="search"]')?.focus()}
        view={view}
      />
      <CellsDrawer
        opened={isPlanning}
        onClose={() => setPlanning(false)}
        onStarted={({ id }) => view.open(id)}
      />
    </Page>
  );
}

/** The experiment that commands are about is the one shown, or the selected one of the list. */
function Commands(props: Parameters<typeof ExperimentCommands>[0]) {
  const { experimentId } = props.view;
  return experimentId === null ? (
    <ExperimentCommands {...props} />
  ) : (
    <ShownCommands {...props} id={experimentId} />
  );
}

function ShownCommands({ id, ...props }: Parameters<typeof ExperimentCommands>[0] & { id: number }) {
  const { data } = useExperiment(id);
  return <ExperimentCommands {...props} at={data?.id === id ? data : null} />;
}

function Shown({ id, ...rest }: { id: number } & Omit<Parameters<typeof DetailView>[0], 'experiment'>) {
  const { data, error, refetch } = useExperiment(id);
  const online = useConnection((s) => s.phase === 'online');
  if (data?.id === id) return <DetailView experiment={data} {...rest} />;
  return error && online ? (
    <Failed title="The experiment could not be read" error={error} onRetry={() => refetch()} />
  ) : null;
}

function countsOf(total: number | undefined, listed: number, isFiltered: boolean, marked: number): string {
  if (total === undefined) return '';
  const all = `${total} ${total === 1 ? 'experiment' : 'experiments'}${isFiltered ? ' found' : ''}`;
  return [
    all,
    ...(listed < total ? [`${listed} listed`] : []),
    ...(marked > 0 ? [`${marked} marked to compare`] : []),
  ].join(', ');
}

const Nothing = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Notice title="No experiment is like this">
      <p>None has this text, kind, tag and state at once.</p>
    </Notice>
  ) : (
    <Notice title="No experiment yet">
      <p>
        Everything RouteLab measures belongs to an experiment, which says how to measure it again. A probe
        makes one, a matrix of loads over emulated paths another; the demo lab makes one for each of its
        routes and needs no network. An exported experiment, an iperf3 result or a qlog can be dropped here.
      </p>
      <CommandButton command="view.probe" variant="filled">
        Set up a probe
      </CommandButton>
      <CommandButton command="demo.start">Start the demo lab</CommandButton>
    </Notice>
  );
