/** Alerts and deliveries, the newest and older ones page by page. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { orpc } from '../../lab/queries.ts';

const PER_PAGE = 100;
const PAGES = {
  // One more than a page has tells whether there are older ones.
  input: (before: number | undefined) => ({ limit: PER_PAGE + 1, ...(before !== undefined && { before }) }),
  initialPageParam: undefined as number | undefined,
};
const olderThan = (page: readonly { id: number }[]): number | undefined =>
  page[PER_PAGE] && page[PER_PAGE - 1]!.id;

function onceEach<T extends { id: number }>({ pages }: { pages: T[][] }): T[] {
  return [...new Map(pages.flat().map((each) => [each.id, each])).values()];
}

export const useAlertHistory = () =>
  useInfiniteQuery(
    orpc.alerts.history.infiniteOptions({ ...PAGES, getNextPageParam: olderThan, select: onceEach }),
  );

export const useDeliveries = () =>
  useInfiniteQuery(
    orpc.alerts.deliveries.infiniteOptions({ ...PAGES, getNextPageParam: olderThan, select: onceEach }),
  );
