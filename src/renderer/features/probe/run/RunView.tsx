import { Button, Menu, SegmentedControl } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import type { ProbeRun, Vantage } from '../../../../shared/probes.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { errorText } from '../../../lab/errors.ts';
import { Badges } from '../../../parts/Badges.tsx';
import { VerdictWords } from '../../../parts/VerdictWords.tsx';
import { clockTime } from '../../../theme/clock.ts';
import { CongestionView, type FlowPlot } from '../congestion/CongestionView.tsx';
import type { Window } from '../congestion/decimate.ts';
import { CongestionTrace } from '../congestion/trace.ts';
import type { ProbeViewControl } from '../view.ts';
import { Detail } from './Detail.tsx';
import { Figures, type Measured } from './Figures.tsx';
import type { HeldRun, RunFeed } from './feed.ts';
import { isOver, isWithoutSender, senderOf, shownOf, stepsOf } from './figures.ts';
import { expectedIntervals, Intervals } from './Intervals.tsx';
import classes from './RunView.module.css';
import { verdictOfRun } from './verdict.ts';

interface Props {
  feed: RunFeed;
  version: number;
  id: number;
  /** As the list has it, before the feed has told. */
  listed: ProbeRun | null;
  otherId: number | null;
  runs: readonly ProbeRun[];
  view: ProbeViewControl;
}

/** Of the newest others so many can be chosen; older ones are compared from their own view. */
const MOST_OTHERS = 100;

/** Of a download whose server does not tell. */
const OTHER_END =
  'Below: the probe’s own controller, which in a download only acknowledges; the server tells nothing.';

const NO_TRACE = new CongestionTrace();

/** One run, live or stored: how far it is, what it measured, what its congestion controller did. */
export function RunView({ feed, version, id, listed, otherId, runs, view }: Props) {
  const held = feed.run(id);
  const run = held?.run ?? listed;
  const [wanted, setWanted] = useState<Vantage | null>(null);
  const vantages = run?.series.map(({ vantage }) => vantage) ?? [];
  const vantage = wanted && vantages.includes(wanted) ? wanted : run ? shownOf(run) : 'client';

  const flows = useFlows(feed, id, run, vantage, otherId);
  const look = useCallback(
    (window: Window, columns: number) => {
      for (const flow of flows) feed.want(flow.run, flow.vantage, window, columns);
    },
    [feed, flows],
  );

  if (run === null) {
    return (
      <p className={classes.missing} role={held?.error ? 'alert' : undefined}>
        {held?.error && errorText(held.error)}
      </p>
    );
  }
  const notice = noticeOf(run, held);
  const expected = expectedIntervals(run.input);
  return (
    <article className={classes.run} aria-label={run.name} data-testid="run" data-state={run.state}>
      <header className={classes.head}>
        <h2 title={run.name}>{run.name}</h2>
        <Badges emulated={run.emulated} insecure={run.insecure} imported={run.imported} />
        <span className={classes.about}>
          {[run.target, run.controller].filter((word) => word !== null && word !== run.name).join(' · ')}
        </span>
        {vantages.length > 1 && otherId === null && (
          <SegmentedControl
            aria-label="Whose controller"
            data={vantages.map((each) => ({ value: each, label: each === 'server' ? 'Server' : 'Probe' }))}
            value={vantage}
            onChange={(each) => setWanted(each as Vantage)}
          />
        )}
        {otherId === null && isWithoutSender(run) && (
          <span className={classes.about} data-testid="other-end" title={OTHER_END}>
            {OTHER_END}
          </span>
        )}
        {run.state === 'failed' && run.input && (
          <CommandButton command="probe.settings" tip="bottom">
            Change settings
          </CommandButton>
        )}
        <Compare run={run} runs={runs} otherId={otherId} view={view} />
        {isOver(run) ? (
          run.input && (
            <CommandButton command="probe.again" tip="bottom">
              Run again
            </CommandButton>
          )
        ) : (
          <CommandButton command="probe.cancel" tip="bottom">
            Cancel
          </CommandButton>
        )}
        <CommandButton command="selection.remove" tip="bottom">
          Remove
        </CommandButton>
      </header>
      <Progress run={run} held={held} />
      <Figures measured={measuredOf(feed, run, otherId)} />
      {otherId === null && run.result?.detail ? (
        <Detail detail={run.result.detail} expected={expected} />
      ) : (
        otherId === null && expected.length > 0 && <Intervals detail={null} expected={expected} />
      )}
      {otherId === null && isWithoutFlow(run) ? (
        <p
          className={classes.none}
          data-testid="no-flow"
          {...(notice?.isFault && { 'data-fault': true, role: 'alert' })}
        >
          {notice?.text}
        </p>
      ) : (
        <CongestionView
          key={`${id}-${otherId}-${vantage}`}
          flows={flows}
          version={version}
          expectedUs={isOver(run) ? 0 : (run.input?.durationS ?? 0) * 1e6}
          notice={notice}
          onLook={look}
        />
      )}
    </article>
  );
}

/** Modes of which each connection is over before a controller has acted. */
const HAS_NO_FLOW = ['handshake', 'http3'] as const;

/** Whether there is nothing to draw, and never will be. */
const isWithoutFlow = (run: ProbeRun): boolean =>
  run.series.length === 0 && (isOver(run) || HAS_NO_FLOW.some((mode) => mode === run.input?.mode));

/** The run, and the one it is compared with once that is there. */
function measuredOf(feed: RunFeed, run: ProbeRun, otherId: number | null): Measured[] {
  const other = otherId === null ? null : (feed.run(otherId)?.run ?? null);
  return [run, ...(other && other.id !== run.id ? [other] : [])].map((each) => ({
    run: each,
    trace: feed.run(each.id)?.traces.get(senderOf(each)) ?? null,
  }));
}

type RunFlow = FlowPlot & { run: number; vantage: Vantage };

function useFlows(
  feed: RunFeed,
  id: number,
  run: ProbeRun | null,
  vantage: Vantage,
  otherId: number | null,
): RunFlow[] {
  const other = otherId === null ? null : feed.run(otherId);
  const otherVantage = other?.run ? shownOf(other.run) : 'client';
  const trace = feed.run(id)?.traces.get(vantage) ?? NO_TRACE;
  const otherTrace = other?.traces.get(otherVantage) ?? NO_TRACE;
  const name = run?.name ?? '';
  const otherName = other?.run?.name ?? '';
  const controller = run?.controller;
  const otherController = other?.run?.controller;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the feed.
  return useMemo(() => {
    // Two are told apart by what is compared, most often their controllers.
    const titled = (title: string, of: ProbeRun | null | undefined): string =>
      otherId === null ? title : `${of?.controller ?? title} (run ${of?.id ?? '…'})`;
    const first = { id: `${id}`, run: id, vantage, name: titled(name, run), trace };
    if (otherId === null) return [first];
    return [
      first,
      {
        id: `${otherId}`,
        run: otherId,
        vantage: otherVantage,
        name: titled(otherName, other?.run),
        trace: otherTrace,
      },
    ];
  }, [id, vantage, name, controller, trace, otherId, otherVantage, otherName, otherController, otherTrace]);
}

function noticeOf(run: ProbeRun, held: HeldRun | null): { text: string; isFault: boolean } | null {
  const error = run.error ?? held?.error;
  if (error) return { text: errorText(error), isFault: true };
  if (!held?.run) return null;
  if (run.state === 'queued')
    return { text: 'Other probes are measuring; this one waits its turn.', isFault: false };
  if (run.input?.mode === 'http3')
    return { text: 'Each request is a connection of its own; above is how long each took.', isFault: false };
  if (run.input?.mode === 'handshake') {
    const text =
      'Each handshake is a connection of its own that is closed at once: too short for a congestion controller to act. ' +
      'Above is how long they took.';
    return { text, isFault: false };
  }
  if (run.state === 'running') return { text: 'Connecting; nothing measured yet.', isFault: false };
  return { text: 'What the congestion controller of this run did was not recorded.', isFault: false };
}

function Progress({ run, held }: { run: ProbeRun; held: HeldRun | null }) {
  const { state, error, startedAtMs, endedAtMs } = run;
  const progress = isOver(run) ? null : (held?.progress ?? null);
  const eta = held?.etaS ?? null;
  const verdict = verdictOfRun(run);
  const span =
    startedAtMs !== null && endedAtMs !== null && !run.imported
      ? `${clockTime(startedAtMs)}, ${((endedAtMs - startedAtMs) / 1e3).toFixed(1)} s`
      : '';
  return (
    <div className={classes.progress} data-testid="run-progress">
      <span
        className={classes.bar}
        role="progressbar"
        aria-label={`Progress of ${run.name}`}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(progress !== null && { 'aria-valuenow': Math.round(progress * 100) })}
        hidden={isOver(run)}
      >
        <span style={{ width: `${(progress ?? 0) * 100}%` }} />
      </span>
      <span data-testid="run-state" className={classes.state} data-fault={state === 'failed'}>
        {state}
      </span>
      <span>
        {isOver(run) ? span : stepsOf(run)}
        {!isOver(run) && eta !== null && `, ${Math.ceil(eta)} s left`}
      </span>
      {error && run.series.length > 0 && (
        <span className={classes.fault} role="alert">
          {errorText(error)}
        </span>
      )}
      {verdict && (
        <span className={classes.verdict}>
          <VerdictWords name={run.name} verdict={verdict} span="a run" testId="run-verdict" />
        </span>
      )}
    </div>
  );
}

function Compare({
  run,
  runs,
  otherId,
  view,
}: {
  run: ProbeRun;
  runs: readonly ProbeRun[];
  otherId: number | null;
  view: ProbeViewControl;
}) {
  const others = runs.filter(({ id, series }) => id !== run.id && series.length > 0).slice(0, MOST_OTHERS);
  if (otherId !== null)
    return (
      <CommandButton command="probe.alone" tip="bottom">
        End comparison
      </CommandButton>
    );
  return (
    <Menu position="bottom-end" width={320}>
      <Menu.Target>
        <Button
          disabled={others.length === 0}
          title={others.length === 0 ? 'There is no other run' : undefined}
        >
          Compare with
        </Button>
      </Menu.Target>
      <Menu.Dropdown className={classes.others!}>
        {others.map((other) => (
          <Menu.Item key={other.id} onClick={() => view.compare(run.id, other.id)}>
            {other.name}
            <span className={classes.about}>
              {' '}
              {other.controller && `${other.controller} · `}run {other.id}
            </span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
