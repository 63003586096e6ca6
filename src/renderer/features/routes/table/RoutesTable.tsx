import { Tooltip, UnstyledButton } from '@mantine/core';
import { type SortingState, useTable } from '@tanstack/react-table';
import { useMemo, useState } from 'react';
import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { useLive } from '../../../lab/live.ts';
import type { ViewControl } from '../view.ts';
import { COLUMNS, features, LAYOUT, type Row } from './columns.tsx';
import classes from './RoutesTable.module.css';

interface Props {
  routes: readonly Route[];
  view: ViewControl;
  density: keyof typeof COLUMNS;
  onEdit: (route: Route) => void;
}

type Ranking = Readonly<Record<string, RouteStatus>>;

export function RoutesTable({ routes, view, density, onEdit }: Props) {
  const statuses = useLive((s) => s.statuses);
  const [sorting, setSorting] = useState<SortingState>([]);
  const [ranking, setRanking] = useState<Ranking>({});
  const data = useMemo(
    () =>
      routes.map(
        (route): Row => ({
          route,
          status: statuses[route.id],
          ranked: ranking[route.id],
          plotted: view.shown.includes(route),
          selected: view.selected === route,
          onToggle: () => view.toggle(route.id),
          onEdit: () => onEdit(route),
        }),
      ),
    [routes, statuses, ranking, view, onEdit],
  );
  const table = useTable({
    features,
    columns: COLUMNS[density],
    data,
    getRowId: (row) => row.route.id,
    state: { sorting },
    onSortingChange: (change) => {
      setRanking(useLive.getState().statuses);
      setSorting(change);
    },
    sortDescFirst: false,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard.
    <section className={classes.scroll} aria-label="Routes" tabIndex={0} data-density={density}>
      <table className={classes.table}>
        <colgroup>
          {table.getAllLeafColumns().map(({ id }) => (
            <col key={id} style={LAYOUT[id]!.width === null ? undefined : { width: LAYOUT[id]!.width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {table.getFlatHeaders().map(({ id, column }) => {
              const { numeric, about } = LAYOUT[id]!;
              const sorted = column.getIsSorted();
              const title = column.columnDef.header as string;
              return (
                <th
                  key={id}
                  scope="col"
                  data-numeric={numeric}
                  aria-sort={sorted ? (sorted === 'asc' ? 'ascending' : 'descending') : undefined}
                >
                  {title === '' ? (
                    <span className={classes.hidden}>Actions</span>
                  ) : (
                    <Tooltip label={about ?? 'Sort by name'}>
                      <UnstyledButton className={classes.sort!} onClick={() => column.toggleSorting()}>
                        {title}
                        {sorted && <span aria-hidden>{sorted === 'asc' ? ' ↑' : ' ↓'}</span>}
                      </UnstyledButton>
                    </Tooltip>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => {
            const { route, status, plotted, selected } = row.original;
            return (
              <tr
                key={row.id}
                data-testid={`route-${route.id}`}
                data-window-from={status?.ping?.fromMs}
                data-window-to={status?.ping?.toMs}
                data-plotted={plotted}
                aria-current={selected || undefined}
                onClick={(event) =>
                  event.ctrlKey || event.metaKey || event.shiftKey
                    ? view.toggle(route.id)
                    : view.select(route.id)
                }
              >
                {row.getAllCells().map((cell) => (
                  <td key={cell.id} data-numeric={LAYOUT[cell.column.id]!.numeric}>
                    <table.FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
