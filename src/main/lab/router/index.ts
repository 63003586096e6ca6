/** The contract, implemented: input is parsed before a handler runs, failures leave as the error catalogue's. */
import type { RouterClient } from '@orpc/server';
import { controllerInfos } from '../../congestion/index.ts';
import { alertHandlers } from './alerts.ts';
import { dataSourceHandlers } from './data-sources.ts';
import { experimentHandlers } from './experiments.ts';
import { matrixHandlers } from './matrix.ts';
import { monitoringHandlers } from './monitoring.ts';
import { implementation, type RouterParts } from './parts.ts';
import { probeHandlers } from './probes.ts';
import { profileHandlers } from './profiles.ts';
import { routeHandlers } from './routes.ts';
import { settingHandlers } from './settings.ts';

export type LabRouter = ReturnType<typeof createRouter>;
/** The contract as calls within the process. */
export type LabClient = RouterClient<LabRouter>;

export function createRouter(parts: RouterParts) {
  const contracted = implementation(parts);
  const { os } = contracted;
  const { routes, info } = parts;
  return os.router({
    lab: { info: os.lab.info.handler(info) },
    routes: routeHandlers(contracted, parts),
    probes: probeHandlers(contracted, parts),
    controllers: { list: os.controllers.list.handler(() => controllerInfos()) },
    profiles: profileHandlers(contracted, parts),
    demo: {
      start: os.demo.start.handler(() => routes.startDemo()),
      stop: os.demo.stop.handler(async () => {
        await routes.stopDemo();
        return { stopped: true };
      }),
    },
    experiments: experimentHandlers(contracted, parts),
    matrix: matrixHandlers(contracted, parts),
    ...alertHandlers(contracted, parts),
    monitoring: monitoringHandlers(contracted, parts),
    settings: settingHandlers(contracted, parts),
    dataSources: dataSourceHandlers(contracted, parts),
  });
}
