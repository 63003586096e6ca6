import type { Migration } from '../migrate.ts';
import { routes } from './0001-routes.ts';
import { experiments } from './0002-experiments.ts';
import { pings } from './0003-pings.ts';
import { transfers } from './0004-transfers.ts';
import { handshakes } from './0005-handshakes.ts';
import { transport } from './0006-transport.ts';
import { routeEvents } from './0007-route-events.ts';
import { pingSkips } from './0008-ping-skips.ts';
import { failedTransfers } from './0009-failed-transfers.ts';
import { handshakePurpose } from './0010-handshake-purpose.ts';
import { routeParameters } from './0011-route-parameters.ts';
import { probeRuns } from './0012-probe-runs.ts';
import { rollups } from './0013-rollups.ts';
import { experimentsAndRuns } from './0015-experiments-and-runs.ts';
import { alerts } from './0017-alerts.ts';
import { settings } from './0019-settings.ts';
import { importedExperiments } from './0021-imported-experiments.ts';
import { toldAndConfigured } from './0022-told-and-configured.ts';

/** In order; the position is the version. */
export const MIGRATIONS: readonly Migration[] = [
  routes,
  experiments,
  pings,
  transfers,
  handshakes,
  transport,
  routeEvents,
  pingSkips,
  failedTransfers,
  handshakePurpose,
  routeParameters,
  probeRuns,
  rollups,
  experimentsAndRuns,
  alerts,
  settings,
  importedExperiments,
  toldAndConfigured,
];
