import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Interval, ProbeDetail } from '../../../../shared/probe-details.ts';
import type { ProbeInput, ProbeMode } from '../../../../shared/probes.ts';
import { formatBytes, formatRate } from '../../../../shared/units.ts';
import { PointChart, type PointSeries } from '../../../parts/chart/PointChart.tsx';
import { Numbers, NumberTable } from '../../../parts/NumberTable.tsx';
import classes from './Detail.module.css';

type Transfer = Extract<ProbeDetail, { kind: 'transfer' }>;

/** What is left over at the end, when shorter, has no rate worth drawing: it stands in the table alone. */
const LEAST_DRAWN_US = 100_000;

const secondsOf = ({ fromUs, toUs }: Interval): string =>
  `${(fromUs / 1e6).toFixed(1)}–${(toUs / 1e6).toFixed(1)} s`;

const EXPECTED: Readonly<Partial<Record<ProbeMode, readonly string[]>>> = {
  download: ['Down'],
  upload: ['Up'],
  bidi: ['Down', 'Up'],
};

const NONE: readonly string[] = [];

/** The directions of which a run will have intervals: their place is kept from its beginning. */
export const expectedIntervals = (input: ProbeInput | null): readonly string[] =>
  input === null || input.durationS < 2 ? NONE : (EXPECTED[input.mode] ?? NONE);

/** What arrived second by second, the warm-up included. */
export function Intervals({
  detail,
  expected,
}: {
  /** Null before anything is measured. */
  detail: Transfer | null;
  expected: readonly string[];
}) {
  const { down = null, up = null } = detail ?? {};
  const [isTable, setTable] = useState(false);
  const directions = useMemo(
    () =>
      [
        { name: 'Down', intervals: down?.intervals ?? [] },
        { name: 'Up', intervals: up?.intervals ?? [] },
      ].filter(({ name, intervals }) => intervals.length > 0 || expected.includes(name)),
    [down, up, expected],
  );
  const series = useMemo(
    () =>
      directions.map(
        ({ name, intervals }): PointSeries => ({
          name,
          // Each at the second it ends.
          points: intervals
            .filter(({ fromUs, toUs }) => toUs - fromUs >= LEAST_DRAWN_US)
            .map((interval) => ({
              x: interval.toUs / 1e6,
              y: interval.goodputBps,
              text: `${formatRate(interval.goodputBps)} in ${secondsOf(interval)}`,
            })),
        }),
      ),
    [directions],
  );
  if (expected.length === 0 && directions.every(({ intervals }) => intervals.length < 2)) return null;
  const warmUpS = Math.max(down?.warmUpUs ?? 0, up?.warmUpUs ?? 0) / 1e6;
  return (
    <figure className={classes.intervals} data-testid="intervals">
      <figcaption>
        Goodput second by second
        {warmUpS > 0 && `, with the warm-up of ${warmUpS.toFixed(1)} s that the figures leave out`}
        <Button aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {isTable ? 'View as chart' : 'View as table'}
        </Button>
      </figcaption>
      {isTable ? (
        <Numbers label="Goodput second by second, as a table" testId="intervals-table">
          <NumberTable headers={['Part', 'Bytes', 'Goodput']}>
            {directions.flatMap(({ name, intervals }) =>
              intervals.map((interval) => (
                <tr key={`${name}-${interval.fromUs}`}>
                  <th scope="row">
                    {name} {secondsOf(interval)}
                  </th>
                  <td>{formatBytes(interval.bytes)}</td>
                  <td>{formatRate(interval.goodputBps)}</td>
                </tr>
              )),
            )}
          </NumberTable>
        </Numbers>
      ) : (
        <PointChart
          label="Goodput second by second"
          series={series}
          isLine
          xTitle="s"
          yTitle="Mbit/s"
          scale={1e-6}
          level={null}
          testId="intervals-chart"
        />
      )}
    </figure>
  );
}
