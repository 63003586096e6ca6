/** Why a number is not there, in the words of the tooltip on its dash. */
import type { Route, RouteStatus } from '../../../../shared/domain.ts';

export function absenceReason(
  quantity: 'ping' | 'transfer' | 'handshake' | 'transport',
  route: Route,
  status: RouteStatus | undefined,
): string {
  if (!status) return 'The lab has not reported on this route yet.';
  if (quantity === 'transfer' && route.transferEveryS === null) {
    return 'Throughput is not measured on this route; edit it to set an interval.';
  }
  switch (status.state) {
    case 'stopped':
      return 'The route is not probed; start it to measure.';
    case 'connecting':
      return 'The probe is still connecting.';
    case 'down':
      return status.error ? `The route is down: ${status.error.code}.` : 'The route is down.';
    case 'up':
      if (quantity === 'ping') {
        return status.ping && status.ping.received === 0
          ? 'No ping of the last 60 s was answered.'
          : 'No ping has been resolved yet.';
      }
      if (quantity === 'transfer') {
        const failure = status.transferError;
        return failure
          ? `The newest ${failure.direction === 'down' ? 'download' : 'upload'} failed: ${failure.code}.`
          : 'No transfer has finished lately.';
      }
      return 'Not reported by the probe yet.';
  }
}
