/** Worker entry: the monitors of many routes on one thread (ProbeWorkerMethods; events: MonitorEvent). */
import { RouteMonitor } from '../probe/monitor.ts';
import { warmUp } from '../probe/warm-up.ts';
import { emit, serve } from './port.ts';
import type { MonitorEvent, ProbeWorkerMethods } from './protocol.ts';

const warm = warmUp();
const monitors = new Map<string, RouteMonitor>();

serve<ProbeWorkerMethods>({
  async start(target) {
    const { routeId } = target;
    const monitor = new RouteMonitor(target, {
      onState: (state, error, atMs) => emit<MonitorEvent>({ type: 'state', routeId, state, error, atMs }),
      onSamples: (samples) => emit<MonitorEvent>({ type: 'samples', routeId, ...samples }),
    });
    // A route that is already probed starts over with its new settings. Registered before the wait, so that a
    // stop that overtakes it finds this monitor, which then never starts.
    const previous = monitors.get(routeId);
    monitors.set(routeId, monitor);
    await previous?.stop();
    await warm;
    monitor.start();
    return null;
  },
  async stop({ routeId }) {
    const monitor = monitors.get(routeId);
    monitors.delete(routeId);
    await monitor?.stop();
    return null;
  },
});
