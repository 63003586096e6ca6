import type { ReactNode } from 'react';
import type { ProbeDetail } from '../../../../shared/probe-details.ts';
import { BLOAT_RULE } from '../../../../shared/responsiveness.ts';
import { formatBytes, formatDuration, formatRate } from '../../../../shared/units.ts';
import { Explained } from '../../../parts/Explained.tsx';
import { Heads } from '../../../parts/NumberTable.tsx';
import classes from './Detail.module.css';
import { Intervals } from './Intervals.tsx';
import { Waterfall } from './Waterfall.tsx';

/** What only this mode measures, beyond its figures. */
export function Detail({ detail, expected }: { detail: ProbeDetail; expected: readonly string[] }) {
  switch (detail.kind) {
    case 'handshake':
      return detail.handshakes.length === 0 ? null : <Waterfall handshakes={detail.handshakes} />;
    case 'responsiveness':
      return detail.grade === null ? null : <GradeRule grade={detail.grade} />;
    case 'streams':
      return (
        <Table
          testId="streams"
          titles={['Stream', 'Goodput', 'Bytes', 'First byte', 'End', 'Longest gap']}
          rows={detail.streams.map((stream, index) => [
            index + 1,
            formatRate(stream.goodputBps),
            formatBytes(stream.bytes),
            formatDuration(stream.firstByteUs),
            stream.endUs === null ? 'cut' : formatDuration(stream.endUs),
            formatDuration(stream.longestGapUs),
          ])}
        />
      );
    case 'migration':
      return (
        <Table
          testId="moves"
          titles={['Move', 'Gap', 'Lost pings', 'Validated after', 'Congestion control']}
          rows={detail.moves.map((move) => [
            move.move,
            move.errorCode ?? formatDuration(move.gapUs),
            move.lostPings,
            move.validatedUs === null ? 'by the server' : formatDuration(move.validatedUs),
            move.congestionReset ? 'began anew' : 'went on',
          ])}
        />
      );
    case 'http3':
      return (
        <Table
          testId="requests"
          titles={['Status', 'Handshake', 'First byte', 'Total', 'Body', 'Session']}
          rows={detail.requests
            .slice(-12)
            .map((request) => [
              request.status ?? request.errorCode ?? '–',
              formatDuration(request.handshakeUs),
              formatDuration(request.firstByteUs),
              formatDuration(request.totalUs),
              formatBytes(request.bodyBytes),
              [request.resumed ? 'resumed' : 'new', request.earlyData && `0-RTT ${request.earlyData}`]
                .filter(Boolean)
                .join(', '),
            ])}
        />
      );
    case 'fec':
      return (
        <Table
          testId="fec"
          titles={[
            'Direction',
            'Packets',
            'Repair',
            'Lost',
            'Recovered',
            'Unrecoverable',
            'Late',
            'Later by p50',
          ]}
          rows={(['up', 'down'] as const).flatMap((name) => {
            const way = detail[name];
            if (way === null) return [];
            const { sentSource, sentRepair, erasures, recovered, unrecoverable, late } = way;
            const counts = [sentSource, sentRepair, erasures, recovered, unrecoverable, late];
            return [[name, ...counts, formatDuration(way.extraDelayUs?.p50 ?? null)]];
          })}
        />
      );
    case 'transfer':
      return <Intervals detail={detail} expected={expected} />;
  }
}

/** The rule behind a grade, one click away. */
function GradeRule({ grade }: { grade: string }) {
  return (
    <p className={classes.rule}>
      <Explained
        label="The rule behind the bufferbloat grade"
        width={320}
        testId="grade-rule"
        className={classes.words}
        words={`Bufferbloat ${grade}: why?`}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">Grade</th>
              <th scope="col">load adds</th>
            </tr>
          </thead>
          <tbody>
            {BLOAT_RULE.map(({ grade: each, belowMs }) => (
              <tr key={each} data-here={each === grade}>
                <th scope="row">{each}</th>
                <td>{Number.isFinite(belowMs) ? `less than ${belowMs} ms` : 'more'}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p>
          Graded is the mean of what a download and an upload each add to the median round trip of pings on a
          connection of their own. The bounds are those of DSLReports’ speed test.
        </p>
      </Explained>
    </p>
  );
}

function Table({
  testId,
  titles,
  rows,
}: {
  testId: string;
  titles: readonly string[];
  rows: readonly (readonly ReactNode[])[];
}) {
  if (rows.length === 0) return null;
  return (
    <div className={classes.scroll}>
      <table className={classes.table} data-testid={testId}>
        <Heads headers={titles} />
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows only ever come at the end.
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={titles[column]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
