import { lowerBound, upperBound } from '../../../../shared/sorted.ts';
import { Numbers, NumberTable } from '../../../parts/NumberTable.tsx';
import { Quantity } from '../../../parts/Quantity.tsx';
import type { FlowPlot } from './CongestionView.tsx';
import type { Window } from './decimate.ts';
import { PANELS } from './panels.ts';
import { styleOf } from './phases.ts';
import { formatMoment } from './readings.ts';

const MOST_ROWS = 250;
const LINES = PANELS.flatMap(({ lines, format }) =>
  lines.map(({ name, label }) => ({ name, label, format })),
);

/** The samples on screen as numbers. Of more than fit, every so-manyth; zooming in shows those between. */
export function TraceTable({ flows, window }: { flows: readonly FlowPlot[]; window: Window }) {
  return (
    <Numbers label="Samples" testId="trace-table">
      {flows.map((flow) => (
        <FlowTable key={flow.id} flow={flow} window={window} />
      ))}
    </Numbers>
  );
}

function FlowTable({ flow: { name, trace }, window }: { flow: FlowPlot; window: Window }) {
  const start = lowerBound(trace.tUs, window.fromUs);
  const end = upperBound(trace.tUs, window.toUs);
  const every = Math.max(1, Math.ceil((end - start) / MOST_ROWS));
  const rows: number[] = [];
  for (let index = start; index < end; index += every) rows.push(index);
  return (
    <NumberTable
      caption={`${name}: ${end - start} samples${every > 1 ? `, every ${every}th shown; zoom in for those between` : ''}`}
      headers={['Time', ...LINES.map(({ label }) => label), 'lost', 'Phase']}
    >
      {rows.map((index) => {
        const us = trace.tUs[index]!;
        const phase = trace.phaseAt(us);
        const lost = trace.at('lostPackets', index);
        return (
          <tr key={us}>
            <th scope="row">{formatMoment(us)}</th>
            {LINES.map((line) => {
              const value = trace.at(line.name, index);
              return (
                <td key={line.name}>
                  <Quantity value={value} text={line.format(value)} absent="Not known at this moment." />
                </td>
              );
            })}
            <td>
              <Quantity value={lost} text={String(lost)} absent="Not known at this moment." />
            </td>
            <td>{phase ? styleOf(phase.state).label : '–'}</td>
          </tr>
        );
      })}
    </NumberTable>
  );
}
