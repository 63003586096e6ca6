/** What only one mode measures, as `--json` prints it and as rows of the table. */
import {
  type DetailOf,
  HANDSHAKE_MARKS,
  type HandshakeTrace,
  type LoadedRtt,
  type ProbeDetail,
} from '../../shared/probe-details.ts';
import { quantile } from '../../shared/samples.ts';

/** Label, number and unit. */
export type Row = [label: string, value: string, unit: string];

const ms = (us: number): string => (us / 1000).toFixed(3);

/** Under the names and in the units of the command line: `rttUs` is `rtt_ms`. What is null is left out. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => {
      if (each === null) return [];
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (!name.endsWith('Us')) return [[snake, plain(each)]];
      return [[snake.replace(/_us$/, '_ms'), inMs(each)]];
    }),
  );
}

/** Microseconds, or a summary of some. */
function inMs(value: unknown): unknown {
  if (typeof value === 'number') return Math.round(value) / 1000;
  return Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, inMs(each)]));
}

/** `detail` of a result: without its kind, which the mode says. */
export function detailFields(detail: ProbeDetail): object {
  const { kind, ...rest } = detail;
  return plain(rest) as object;
}

export function detailRows(detail: ProbeDetail): Row[] {
  switch (detail.kind) {
    case 'transfer':
      return (['down', 'up'] as const).flatMap((direction): Row[] => {
        const counted = detail[direction];
        if (!counted?.warmUpUs) return [];
        return [[`warm-up left out, ${direction}`, (counted.warmUpUs / 1e6).toFixed(3), 's']];
      });
    case 'handshake':
      return [
        ...(detail.start === '0-rtt'
          ? [['early data', String(detail.earlyDataAccepted), 'accepted'] satisfies Row]
          : []),
        ...markRows(detail.handshakes),
      ];
    case 'responsiveness':
      return [
        ...(['down', 'up'] as const).flatMap((direction) => loadedRows(direction, detail[direction])),
        ...(detail.rpm === null ? [] : [['responsiveness', detail.rpm.toFixed(0), 'RPM'] satisfies Row]),
        ...(detail.addedUs === null ? [] : [['load adds', ms(detail.addedUs), 'ms'] satisfies Row]),
        ...(detail.grade === null ? [] : [['bufferbloat', detail.grade, 'grade'] satisfies Row]),
      ];
    case 'streams':
      return [
        ['streams', String(detail.streams.length), ''],
        ...detail.streams.map(
          ({ goodputBps, endUs }, index): Row => [
            `  stream ${index + 1}${endUs === null ? '' : ` ended after ${ms(endUs)} ms`}`,
            goodputBps === null ? '–' : (goodputBps / 1e6).toFixed(3),
            'Mbit/s',
          ],
        ),
        ...(detail.fairness === null ? [] : [['fairness', detail.fairness.toFixed(4), 'Jain'] satisfies Row]),
        ...(detail.slowestLaterUs === null
          ? []
          : [['slowest ends later by', ms(detail.slowestLaterUs), 'ms'] satisfies Row]),
      ];
    case 'fec':
      return fecRows(detail);
    case 'migration':
      return detail.moves.flatMap((move): Row[] => [
        [move.move, move.errorCode ?? (move.congestionReset ? 'moved, congestion reset' : 'moved'), ''],
        ...(move.validatedUs === null
          ? []
          : [['  validated after', ms(move.validatedUs), 'ms'] satisfies Row]),
        ...(move.gapUs === null ? [] : [['  gap', ms(move.gapUs), 'ms'] satisfies Row]),
        ['  lost', String(move.lostPings), 'pings'],
      ]);
    case 'http3':
      // `probe` of an https URL prints its own.
      return [];
  }
}

function fecRows({ scheme, k, r, adaptive, ...ways }: DetailOf<'fec'>): Row[] {
  const percent = (label: string, value: number | null): Row[] =>
    value === null ? [] : [[label, (value * 100).toFixed(3), '%']];
  return [
    [`code, ${scheme}${adaptive ? ', adaptive' : ''}`, `${k} + ${r}`, 'packets'],
    ...(['up', 'down'] as const).flatMap((direction): Row[] => {
      const way = ways[direction];
      if (way === null) return [];
      const { extraDelayUs } = way;
      return [
        [`source packets, ${direction}`, String(way.sentSource), ''],
        ...percent('  redundancy', way.redundancy),
        ...percent('  source loss before FEC', way.sourceLoss),
        ...percent('  residual loss', way.residualLoss),
        ...percent('  theory, iid loss as measured', way.theoryResidualLoss),
        ...percent('  theory, iid loss as set', way.theoryAtPathLoss),
        ...percent('  recovered of the lost', way.recovery),
        ['  recovered, unrecoverable', `${way.recovered}, ${way.unrecoverable}`, ''],
        ...(extraDelayUs === null
          ? []
          : [
              ['  recovered later by, p50', ms(extraDelayUs.p50), 'ms'] satisfies Row,
              ['  recovered later by, p95', ms(extraDelayUs.p95), 'ms'] satisfies Row,
            ]),
      ];
    }),
  ];
}

/** Median moment of each mark, over the handshakes that have it. */
function markRows(handshakes: readonly HandshakeTrace[]): Row[] {
  const rows = HANDSHAKE_MARKS.flatMap((mark): Row[] => {
    const times = handshakes
      .flatMap(({ marks }) => marks.find((each) => each.mark === mark)?.atUs ?? [])
      .sort((a, b) => a - b);
    return times.length === 0 ? [] : [[`  ${mark.replaceAll('-', ' ')}`, ms(quantile(times, 0.5)), 'ms']];
  });
  // `handshake` is from the ClientHello on; these are from a little before it.
  return rows.length === 0 ? [] : [['p50 since connecting began', '', ''], ...rows];
}

function loadedRows(direction: 'down' | 'up', loaded: LoadedRtt | null): Row[] {
  if (loaded === null) return [];
  const { separateUs, ownUs, rpm, addedUs } = loaded;
  return [
    ...(separateUs ? [[`rtt p50, ${direction} loaded`, ms(separateUs.p50), 'ms'] satisfies Row] : []),
    ...(ownUs ? [['  on the loaded connection', ms(ownUs.p50), 'ms'] satisfies Row] : []),
    ...(addedUs === null ? [] : [['  load adds', ms(addedUs), 'ms'] satisfies Row]),
    ...(rpm === null ? [] : [['  responsiveness', rpm.toFixed(0), 'RPM'] satisfies Row]),
  ];
}
