/** The columns of the routes table, in its two densities: `wide` has one line a row, `dense` stacks two. */
import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_text,
  tableFeatures,
} from '@tanstack/react-table';
import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { verdictOf } from '../../../../shared/verdict.ts';
import { MetricCell } from './MetricCell.tsx';
import { METRICS, type MetricId } from './metrics.ts';
import { NameCell } from './NameCell.tsx';
import classes from './RoutesTable.module.css';
import { RowActions } from './RowActions.tsx';
import { StateCell } from './StateCell.tsx';
import { VerdictCell } from './VerdictCell.tsx';

export interface Row {
  route: Route;
  status?: RouteStatus;
  /** The status the order was made from: rows do not change places under the pointer as numbers come in. */
  ranked?: RouteStatus;
  plotted: boolean;
  selected: boolean;
  onToggle: () => void;
  onEdit: () => void;
}

export const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { text: sortFn_text },
});

const helper = createColumnHelper<typeof features, Row>();

interface Layout {
  /** Pixels; null takes what is left. */
  width: number | null;
  numeric?: boolean;
  about?: string;
}

/** Widths and header notes by column id. */
export const LAYOUT: Record<string, Layout> = {
  name: { width: null },
  state: { width: 90, about: 'What the probe of the route does now' },
  ...Object.fromEntries(
    Object.entries(METRICS).map(([id, { about }]) => [
      id,
      { width: 74, numeric: true, about } satisfies Layout,
    ]),
  ),
  jitter: { width: 68, numeric: true, about: METRICS.jitter.about },
  loss: { width: 62, numeric: true, about: METRICS.loss.about },
  down: { width: 102, numeric: true, about: METRICS.down.about },
  up: { width: 102, numeric: true, about: METRICS.up.about },
  handshake: { width: 80, numeric: true, about: METRICS.handshake.about },
  throughput: {
    width: 102,
    numeric: true,
    about: 'Goodput of the newest download (first line) and upload (second line)',
  },
  control: { width: 72, about: 'Congestion controller of the probe’s connection' },
  transport: {
    width: 72,
    numeric: true,
    about: 'Congestion controller and window of the probe’s connection',
  },
  verdict: { width: 196, about: 'What the route is good for; click a verdict for the rule' },
  actions: { width: 68 },
};

const name = helper.accessor((row) => row.route.name, {
  id: 'name',
  header: 'Route',
  sortFn: 'text',
  cell: ({ row }) => <NameCell {...row.original} />,
});
const dense = helper.accessor((row) => row.route.name, {
  id: 'name',
  header: 'Route and verdict',
  sortFn: 'text',
  cell: ({ row }) => (
    <>
      <NameCell {...row.original} />
      <div className={classes.under}>
        <VerdictCell route={row.original.route} status={row.original.status} />
      </div>
    </>
  ),
});
const state = helper.accessor((row) => row.ranked?.state ?? '', {
  id: 'state',
  header: 'State',
  sortFn: 'text',
  cell: ({ row }) => <StateCell route={row.original.route} status={row.original.status} />,
});
const metric = (id: MetricId) =>
  helper.accessor((row) => (row.ranked ? (METRICS[id].value(row.ranked) ?? undefined) : undefined), {
    id,
    header: METRICS[id].header,
    sortUndefined: 'last',
    cell: ({ row }) => <MetricCell metric={id} route={row.original.route} status={row.original.status} />,
  });
const Controller = ({ route, status }: Pick<Row, 'route' | 'status'>) => (
  <span data-testid={`route-${route.id}-controller`}>
    {status?.transport?.controller ?? route.controller}
  </span>
);
const control = helper.accessor((row) => row.route.controller, {
  id: 'control',
  header: 'Control',
  sortFn: 'text',
  cell: ({ row }) => <Controller {...row.original} />,
});
const throughput = helper.accessor(
  (row) => (row.ranked ? (METRICS.down.value(row.ranked) ?? undefined) : undefined),
  {
    id: 'throughput',
    header: 'Down / up',
    sortUndefined: 'last',
    cell: ({ row: { original } }) => (
      <>
        <MetricCell metric="down" route={original.route} status={original.status} />
        <br />
        <MetricCell metric="up" route={original.route} status={original.status} />
      </>
    ),
  },
);
const transport = helper.accessor((row) => row.route.controller, {
  id: 'transport',
  header: 'Control',
  sortFn: 'text',
  cell: ({ row: { original } }) => (
    <>
      <Controller {...original} />
      <br />
      <MetricCell metric="cwnd" route={original.route} status={original.status} />
    </>
  ),
});
const verdict = helper.accessor((row) => (row.ranked ? verdictOf(row.ranked).words : ''), {
  id: 'verdict',
  header: 'Verdict',
  sortFn: 'text',
  cell: ({ row }) => <VerdictCell route={row.original.route} status={row.original.status} />,
});
const actions = helper.display({
  id: 'actions',
  header: '',
  cell: ({ row }) => <RowActions route={row.original.route} onEdit={row.original.onEdit} />,
});

const rtt = [
  metric('rtt-p50'),
  metric('rtt-p95'),
  metric('rtt-p99'),
  metric('jitter'),
  metric('loss'),
] as const;

export const COLUMNS = {
  wide: helper.columns([
    name,
    state,
    ...rtt,
    metric('down'),
    metric('up'),
    metric('handshake'),
    control,
    metric('cwnd'),
    verdict,
    actions,
  ]),
  dense: helper.columns([dense, state, ...rtt, throughput, metric('handshake'), transport, actions]),
} as const;

/** The least width of the table, in pixels, at which every column has room of its own. */
export const WIDE_FROM = 1330;
