/** What the Probe page shows, kept in the address: the run, and the one it is compared with. */
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';

export interface ProbeSearch {
  /** Id of the run to compare with. */
  with?: number;
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Reads an address; what makes no sense in it is dropped. */
export function readProbeSearch(search: Record<string, unknown>): ProbeSearch {
  const { with: other } = search;
  return isId(other) ? { with: other } : {};
}

/** The id of a path `/probe/7`; null where there is none or it is no id. */
export function readRunId(text: string | undefined): number | null {
  const id = text === undefined || !/^\d+$/.test(text) ? Number.NaN : Number(text);
  return isId(id) ? id : null;
}

export function useProbeView() {
  const { id } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as ProbeSearch;
  const navigate = useNavigate();
  return {
    runId: readRunId(id),
    otherId: search.with ?? null,
    /** Shows a run alone. */
    open: (run: number) => navigate({ to: '/probe/$id', params: { id: String(run) } }),
    /** Shows no run. */
    leave: () => navigate({ to: '/probe' }),
    /** Puts a run beside the shown one; null takes it away. */
    compare: (run: number, other: number | null) =>
      navigate({
        to: '/probe/$id',
        params: { id: String(run) },
        search: other === null ? {} : { with: other },
        replace: true,
      }),
  };
}

export type ProbeViewControl = ReturnType<typeof useProbeView>;
