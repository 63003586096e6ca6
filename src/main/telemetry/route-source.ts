/** A monitored route as a source of metrics. A route has a sample in a family when the value is known. */
import type { Route, RouteStatus } from '../../shared/domain.ts';
import type { MetricsSource, SourceLabels, SourceReading } from './source.ts';
import type { SourceTotals } from './totals.ts';

export type RouteIdentity = Pick<Route, 'id' | 'host' | 'port' | 'controller'>;

export function routeLabels({ id, host, port, controller }: RouteIdentity): Required<SourceLabels> {
  const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return { route: id, server: `${address}:${port}`, congestion: controller };
}

export class RouteSource implements MetricsSource {
  readonly labels: SourceLabels;
  readonly totals: SourceTotals;
  status: RouteStatus;

  constructor(labels: SourceLabels, totals: SourceTotals, status: RouteStatus) {
    this.labels = labels;
    this.totals = totals;
    this.status = status;
  }

  read(): SourceReading {
    const { status } = this;
    // Pings of the last minute, of a route that is being probed.
    const ping = status.state === 'stopped' ? null : status.ping;
    const window = {
      rttUs: ping?.rttUs ?? null,
      jitterUs: ping?.jitterUs ?? null,
      lossRatio: ping?.lossRatio ?? null,
    };
    // A window or a rate of a connection that is gone says nothing about now.
    if (status.state !== 'up') return { ...this.totals.read(), ...window };
    const { payloadBps, transport } = status;
    return {
      ...this.totals.read(),
      ...window,
      goodputBps: payloadBps,
      cwndBytes: transport?.cwndBytes ?? null,
      pacingBps: transport?.pacingBps ?? null,
      rttVarUs: transport?.rttVarUs ?? null,
      state:
        transport?.state === undefined ? null : { controller: transport.controller, name: transport.state },
    };
  }
}
