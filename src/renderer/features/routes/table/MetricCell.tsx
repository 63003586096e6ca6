import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { Quantity } from '../../../parts/Quantity.tsx';
import { absenceReason } from './absence.ts';
import { METRICS, type MetricId } from './metrics.ts';

/** One number of one route, straight from its status. */
export function MetricCell({
  metric,
  route,
  status,
}: {
  metric: MetricId;
  route: Route;
  status?: RouteStatus;
}) {
  const { value, format, source } = METRICS[metric];
  const measured = status ? value(status) : null;
  return (
    <Quantity
      value={measured}
      text={measured === null ? '' : format(measured)}
      absent={absenceReason(source, route, status)}
      testId={`route-${route.id}-${metric}`}
    />
  );
}
