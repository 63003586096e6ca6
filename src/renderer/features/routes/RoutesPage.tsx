import { useElementSize } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import type { Route } from '../../../shared/domain.ts';
import { CommandButton } from '../../commands/CommandButton.tsx';
import { useConnection } from '../../lab/connection.ts';
import { useLive } from '../../lab/live.ts';
import { useLabInfo, useRoutes } from '../../lab/queries.ts';
import { Failed, Notice, Page, PageHead } from '../../parts/Page.tsx';
import { ChartPanel } from './chart/ChartPanel.tsx';
import { type Editing, RouteDrawer } from './form/RouteDrawer.tsx';
import { RouteMap } from './map/RouteMap.tsx';
import { RouteCommands } from './RouteCommands.tsx';
import classes from './RoutesPage.module.css';
import { WIDE_FROM } from './table/columns.tsx';
import { RoutesTable } from './table/RoutesTable.tsx';
import { useView } from './view.ts';

const NO_ROUTES: Route[] = [];

export function RoutesPage() {
  const query = useRoutes();
  const routes = query.data ?? NO_ROUTES;
  const view = useView(routes);
  const [editing, setEditing] = useState<Editing>(null);
  const online = useConnection((s) => s.phase === 'online');
  const { ref, width } = useElementSize();
  const reserved = useReservedRows(query.data?.length);
  // Beside the table there is room for the map only on a wide screen, where the table then has less.
  const tableWidth = width >= 1900 ? width * 0.62 : width;
  const density = tableWidth >= WIDE_FROM ? 'wide' : 'dense';

  return (
    <Page ref={ref} className={classes.page!} data-stale={!online && query.data !== undefined}>
      <PageHead title="Routes" counts={<Counts routes={query.data} />}>
        {query.data?.length !== 0 && (
          <>
            <DemoButton />
            <CommandButton command="routes.add" variant="filled" />
          </>
        )}
      </PageHead>
      {routes.length > 0 ? (
        <div
          className={classes.body}
          data-wide={width >= 1900}
          style={{ '--rows': Math.max(3, routes.length) }}
        >
          <RoutesTable routes={routes} view={view} density={density} onEdit={setEditing} />
          <RouteMap routes={routes} view={view} />
          <ChartPanel view={view} />
        </div>
      ) : query.data ? (
        <Empty />
      ) : query.error && online ? (
        <Failed title="The routes could not be listed" error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Loading rows={reserved} density={density} wide={width >= 1900} />
      )}
      <RouteCommands routes={routes} view={view} onAdd={() => setEditing('new')} onEdit={setEditing} />
      <RouteDrawer
        editing={editing}
        onClose={() => setEditing(null)}
        onSaved={(route) => {
          setEditing(null);
          view.select(route.id);
        }}
      />
    </Page>
  );
}

function Counts({ routes }: { routes: readonly Route[] | undefined }) {
  const statuses = useLive((s) => s.statuses);
  if (!routes) return null;
  const count = (state: string): number => routes.filter(({ id }) => statuses[id]?.state === state).length;
  const states = ['up', 'connecting', 'down', 'stopped'].flatMap((state) =>
    count(state) > 0 ? [`${count(state)} ${state}`] : [],
  );
  return states.join(', ');
}

function DemoButton() {
  const { data: lab } = useLabInfo();
  return lab?.demo ? (
    <CommandButton command="demo.stop">Stop demo lab</CommandButton>
  ) : (
    <CommandButton command="demo.start">Start demo lab</CommandButton>
  );
}

function Empty() {
  return (
    <Notice title="No routes yet">
      <p>
        A route is a path to a QUIC server that this lab measures all the time. The demo lab has six emulated
        ones on this machine and needs no network.
      </p>
      <CommandButton command="routes.add" variant="filled" />
      <CommandButton command="demo.start">Start the demo lab</CommandButton>
    </Notice>
  );
}

/** The page's outline while the first answer is on its way; not seen unless that takes longer than usual. */
function Loading({ rows, density, wide }: { rows: number; density: string; wide: boolean }) {
  return (
    <div className={classes.body} data-wide={wide} style={{ '--rows': rows }} aria-busy="true">
      <div className={classes.skeleton} data-density={density}>
        {Array.from({ length: rows }, (_, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: all rows are alike.
          <span key={row} />
        ))}
      </div>
    </div>
  );
}

const ROWS_KEY = 'routelab-rows';

/** As many rows as there were the last time, so that nothing moves when they come. */
function useReservedRows(now: number | undefined): number {
  const [before] = useState(() => Math.max(3, Number(localStorage.getItem(ROWS_KEY) ?? 6)));
  useEffect(() => {
    if (now !== undefined) localStorage.setItem(ROWS_KEY, String(now));
  }, [now]);
  return before;
}
