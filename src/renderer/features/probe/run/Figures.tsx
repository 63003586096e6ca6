import type { ProbeRun } from '../../../../shared/probes.ts';
import { Quantity } from '../../../parts/Quantity.tsx';
import { FlowSwatch } from '../congestion/Readings.tsx';
import type { CongestionTrace } from '../congestion/trace.ts';
import classes from './Figures.module.css';
import { type Figure, figuresOf, isOver, type Newest, senderOf } from './figures.ts';

/** A run, and what the controller of its payload's sender did as far as it is known. */
export interface Measured {
  run: ProbeRun;
  trace: CongestionTrace | null;
}

/** The numbers of a run; of two that are compared each beside the other. */
export function Figures({ measured }: { measured: readonly Measured[] }) {
  const lists = measured.map(({ run, trace }) =>
    figuresOf(run.input?.mode ?? null, run.result, senderOf(run), isOver(run) ? null : newestOf(trace)),
  );
  // Runs of two modes have figures of both.
  const rows = new Map(
    lists
      .flat()
      .toReversed()
      .map((figure) => [figure.id, figure.label]),
  );
  const ids = [...new Set(lists.flatMap((list) => list.map(({ id }) => id)))];
  return (
    <div className={classes.figures}>
      <dl data-testid="figures" data-flows={measured.length}>
        {ids.map((id) => (
          <div key={id}>
            <dt>{rows.get(id)}</dt>
            {measured.map(({ run }, flow) => (
              <FigureValue
                key={run.id}
                run={run}
                figure={lists[flow]!.find((figure) => figure.id === id)}
                testId={flow === 0 ? `figure-${id}` : `figure-${id}-${flow}`}
                flow={measured.length > 1 ? flow : null}
              />
            ))}
          </div>
        ))}
      </dl>
    </div>
  );
}

function FigureValue({
  run,
  figure,
  testId,
  flow,
}: {
  run: ProbeRun;
  figure: Figure | undefined;
  testId: string;
  flow: number | null;
}) {
  const absent = run.imported
    ? 'The file does not say.'
    : isOver(run)
      ? 'Not measured by this run.'
      : 'Not measured yet.';
  return (
    <dd>
      {flow !== null && <FlowSwatch flow={flow} />}
      <Quantity value={figure?.value ?? null} text={figure?.text ?? '–'} absent={absent} testId={testId} />
    </dd>
  );
}

function newestOf(trace: CongestionTrace | null): Newest | null {
  if (trace === null || trace.length === 0) return null;
  const at = (name: 'rttUs' | 'minRttUs' | 'lostPackets'): number | null => trace.at(name, trace.length - 1);
  return { rttUs: at('rttUs'), minRttUs: at('minRttUs'), lostPackets: at('lostPackets') };
}
