/** What the Routes page shows, kept in the address so that it can be bookmarked, shared and gone back to. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Route } from '../../../shared/domain.ts';
import { WINDOWS, type WindowId } from './windows.ts';

/** The address' own form; what is as usual is left out of it. */
export interface ViewSearch {
  /** Ids of the routes in the chart, separated by commas; the last is the selected one. */
  show?: string;
  window?: WindowId;
  log?: true;
  table?: true;
}

/** Reads an address; what makes no sense in it is dropped. */
export function readView(search: Record<string, unknown>): ViewSearch {
  const { show, window, log, table } = search;
  return {
    ...(typeof show === 'string' && show !== '' && { show }),
    ...(typeof window === 'string' && Object.hasOwn(WINDOWS, window) && { window: window as WindowId }),
    ...(log === true && { log }),
    ...(table === true && { table }),
  };
}

export interface View {
  /** Routes in the chart, in the order of the table: at least one where there are routes. */
  shown: Route[];
  /** The one that commands are about: the last put into the chart. */
  selected: Route | null;
  window: WindowId;
  log: boolean;
  table: boolean;
}

/** The view of the address over the routes there are; without a choice the first route is shown. */
export function viewOf(search: ViewSearch, routes: readonly Route[]): View {
  const wanted = search.show?.split(',') ?? [];
  const found = routes.filter((route) => wanted.includes(route.id));
  const shown = found.length > 0 ? found : routes.slice(0, 1);
  const last = wanted.findLast((id) => found.some((route) => route.id === id));
  return {
    shown,
    selected: shown.find((route) => route.id === last) ?? shown[0] ?? null,
    window: search.window ?? '1m',
    log: search.log ?? false,
    table: search.table ?? false,
  };
}

/** The current view and the way to change it. */
export function useView(routes: readonly Route[]) {
  const view = viewOf(useSearch({ from: '/routes' }), routes);
  const navigate = useNavigate({ from: '/routes' });
  const change = (
    patch: Partial<{ show: readonly string[]; window: WindowId; log: boolean; table: boolean }>,
  ) =>
    navigate({
      replace: true,
      search: (old) =>
        readView({ ...old, ...patch, ...(patch.show && { show: patch.show.join() }) } as Record<
          string,
          unknown
        >),
    });
  return {
    ...view,
    setWindow: (window: WindowId) => change({ window }),
    setLog: (log: boolean) => change({ log }),
    setTable: (table: boolean) => change({ table }),
    /** Shows one route alone. */
    select: (id: string) => change({ show: [id] }),
    /** Puts a route into the chart beside the others, or takes it out. */
    toggle: (id: string) => {
      const others = view.shown.map((route) => route.id).filter((other) => other !== id);
      const isShown = others.length < view.shown.length;
      change({ show: isShown ? others : [...others, id] });
    },
    /** Shows every route; the selected one stays selected. */
    showAll: () => {
      const selected = view.selected?.id;
      const others = routes.map((route) => route.id).filter((id) => id !== selected);
      change({ show: selected === undefined ? others : [...others, selected] });
    },
  };
}

export type ViewControl = ReturnType<typeof useView>;
