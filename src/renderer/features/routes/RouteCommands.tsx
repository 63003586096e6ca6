import type { Route } from '../../../shared/domain.ts';
import { useBindCommands } from '../../commands/registry.ts';
import { useConnection } from '../../lab/connection.ts';
import { useLabInfo } from '../../lab/queries.ts';
import { useBusy } from '../../parts/attempt.ts';
import { removeRoute, restoreRoute, setEnabled, startDemo, stopDemo, useRemovedRoutes } from './actions.ts';
import type { ViewControl } from './view.ts';
import { WINDOW_IDS } from './windows.ts';

interface Props {
  routes: readonly Route[];
  view: ViewControl;
  onAdd: () => void;
  onEdit: (route: Route) => void;
}

/** What can be done on this page, bound for buttons, palette, keys and menu alike. */
export function RouteCommands({ routes, view, onAdd, onEdit }: Props) {
  const online = useConnection((s) => s.phase === 'online');
  const { data: lab } = useLabInfo();
  const busy = useBusy((s) => s.busy);
  const { removed } = useRemovedRoutes();
  const { selected, shown, window, log, table } = view;

  const unreachable = online ? null : 'the lab is unreachable';
  const demo = unreachable ?? (busy.has('demo') ? 'the demo lab is already being started or stopped' : null);
  const one = selected ? null : 'there is no route';
  const change = unreachable ?? one ?? (selected && busy.has(selected.id) ? 'a request is under way' : null);
  const listed = selected?.declared ? 'it is listed in lab.yaml: change it there' : null;
  const last = removed.at(-1);
  const stopped = routes.filter(({ enabled }) => !enabled);
  const running = routes.filter(({ enabled }) => enabled);
  const all = shown.length === routes.length;
  const neighbour = (step: number): void => {
    const next = selected && routes[routes.indexOf(selected) + step];
    if (next) view.select(next.id);
  };

  useBindCommands([
    { command: 'routes.add', run: onAdd, blocked: unreachable },
    {
      command: 'routes.edit',
      run: () => selected && onEdit(selected),
      blocked: unreachable ?? one ?? listed,
    },
    {
      command: 'routes.toggle',
      run: () => selected && setEnabled(selected, !selected.enabled),
      blocked: change,
    },
    { command: 'selection.remove', run: () => selected && removeRoute(selected), blocked: change ?? listed },
    {
      command: 'selection.undo',
      run: () => last && restoreRoute(last),
      blocked: unreachable ?? (last ? null : 'no route was removed on this page'),
    },
    {
      command: 'routes.startAll',
      run: () => Promise.all(stopped.map((route) => setEnabled(route, true))),
      blocked: unreachable ?? (stopped.length > 0 ? null : 'every route is started'),
    },
    {
      command: 'routes.stopAll',
      run: () => Promise.all(running.map((route) => setEnabled(route, false))),
      blocked: unreachable ?? (running.length > 0 ? null : 'every route is stopped'),
    },
    { command: 'selection.next', run: () => neighbour(1), blocked: one },
    { command: 'selection.previous', run: () => neighbour(-1), blocked: one },
    {
      command: 'chart.compare',
      run: () => (all ? selected && view.select(selected.id) : view.showAll()),
      blocked: routes.length > 1 ? null : 'there is only one route',
      checked: all && routes.length > 1,
    },
    { command: 'chart.log', run: () => view.setLog(!log), blocked: one, checked: log },
    { command: 'chart.table', run: () => view.setTable(!table), blocked: one, checked: table },
    ...WINDOW_IDS.map((id) => ({
      command: `chart.window.${id}` as const,
      run: () => view.setWindow(id),
      checked: window === id,
    })),
    {
      command: 'demo.start',
      run: startDemo,
      blocked: demo ?? (lab?.demo ? 'the demo lab runs already' : null),
    },
    {
      command: 'demo.stop',
      run: stopDemo,
      blocked: demo ?? (lab?.demo ? null : 'the demo lab does not run'),
    },
    ...routes.map(({ id, name }) => ({
      command: { id: `routes.show.${id}`, title: `Show ${name}`, group: 'Routes' as const },
      run: () => view.select(id),
    })),
  ]);
  return null;
}
