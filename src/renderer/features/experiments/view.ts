/** What the Experiments page shows, kept in the address: the filter, the experiment, and what is compared. */
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { RunState } from '../../../shared/domain.ts';
import { ExperimentKind, ExperimentOrder } from '../../../shared/experiments.ts';
import type { ExperimentFilter } from '../../lab/queries.ts';

/** The address' own form; what is as usual is left out of it. */
export interface ExperimentsSearch {
  text?: string;
  kind?: ExperimentKind;
  tag?: string;
  state?: RunState;
  order?: ExperimentOrder;
  /** Ids of the experiments marked to compare, separated by commas. */
  marked?: string;
  /** They are compared now. */
  compare?: true;
  /** The baseline chosen in place of the pinned one. */
  base?: number;
  /** Parameters that agree are shown too. */
  all?: true;
  /** The metric in the chart. */
  metric?: string;
  table?: true;
}

const MOST_COMPARED = 8;
const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const words = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= most;

/** Ids of an address, each once, as many as can be compared. */
export const idsOf = (text: string | undefined): number[] =>
  [...new Set((text ?? '').split(',').flatMap((id) => (/^\d+$/.test(id) ? [Number(id)] : [])))]
    .filter(isId)
    .slice(0, MOST_COMPARED);

/** Reads an address; what makes no sense in it is dropped. */
export function readExperimentsSearch(search: Record<string, unknown>): ExperimentsSearch {
  const { text, tag, base, metric } = search;
  const kind = ExperimentKind.safeParse(search['kind']);
  const state = RunState.safeParse(search['state']);
  const order = ExperimentOrder.safeParse(search['order']);
  // A single id is read as a number.
  const marked = idsOf(String(search['marked'] ?? '')).join();
  return {
    ...(words(text, 200) && { text }),
    ...(kind.success && { kind: kind.data }),
    ...(words(tag, 32) && { tag }),
    ...(state.success && { state: state.data }),
    ...(order.success && order.data !== 'newest' && { order: order.data }),
    ...(marked !== '' && { marked }),
    ...(search['compare'] === true && { compare: true as const }),
    ...(isId(base) && { base }),
    ...(search['all'] === true && { all: true as const }),
    ...(words(metric, 64) && { metric }),
    ...(search['table'] === true && { table: true as const }),
  };
}

type Change = { [K in keyof ExperimentsSearch]?: ExperimentsSearch[K] | undefined };

export function useExperimentsView() {
  const { id } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as ExperimentsSearch;
  const navigate = useNavigate();
  const marked = idsOf(search.marked);
  const changed = (patch: Change): ExperimentsSearch => readExperimentsSearch({ ...search, ...patch });
  const experimentId = id !== undefined && /^\d+$/.test(id) && isId(Number(id)) ? Number(id) : null;
  const isComparing = search.compare === true && marked.length > 1;
  const { text, kind, tag, state, order } = search;
  const filter: ExperimentFilter = {
    ...(text && { text }),
    ...(kind && { kind }),
    ...(tag && { tag }),
    ...(state && { state }),
    ...(order && { order }),
  };
  /** Changes what is shown where one is. */
  const change = (patch: Change) =>
    experimentId === null
      ? navigate({ to: '/experiments', search: changed(patch), replace: true })
      : navigate({
          to: '/experiments/$id',
          params: { id: String(experimentId) },
          search: changed(patch),
          replace: true,
        });
  return {
    experimentId: isComparing ? null : experimentId,
    filter,
    isFiltered: [text, kind, tag, state].some((each) => each !== undefined),
    marked,
    isComparing,
    baseId: search.base ?? null,
    all: search.all === true,
    metric: search.metric ?? null,
    table: search.table === true,
    change,
    open: (experiment: number) =>
      navigate({
        to: '/experiments/$id',
        params: { id: String(experiment) },
        search: changed({ compare: undefined }),
      }),
    /** Back to the list, as it was filtered. */
    list: () => navigate({ to: '/experiments', search: changed({ compare: undefined }) }),
    compare: () => navigate({ to: '/experiments', search: changed({ compare: true }) }),
    isFull: marked.length >= MOST_COMPARED,
    mark: (experiment: number) => {
      const others = marked.filter((other) => other !== experiment);
      const isMarked = others.length < marked.length;
      change({ marked: (isMarked ? others : [...marked, experiment]).join() });
    },
  };
}

export type ExperimentsViewControl = ReturnType<typeof useExperimentsView>;
