/** What probe runs are measured with: threads of their own, since what one run sends must not delay the pings of another. */
import type { Emulation } from '../../shared/domain.ts';
import type { Store } from '../store/index.ts';
import type {
  EndpointEvent,
  EndpointWorkerMethods,
  MeasureEvent,
  MeasureWorkerMethods,
  RelayWorkerMethods,
} from '../workers/protocol.ts';
import type { AppInfo } from './app-info.ts';
import type { Ends } from './ends.ts';
import { experimentWith } from './experiments.ts';
import type { Log } from './log.ts';
import { probeManifest } from './manifest.ts';
import { OwnEndpoint } from './own-endpoint.ts';
import { ProbePaths } from './probe-path.ts';
import { type LaneName, Probes, type ProbesOptions } from './probes.ts';
import type { Routes } from './routes.ts';
import { LabWorker } from './worker.ts';

/** They start with the first run. */
export function probeThreads(options: {
  store: Store;
  log: Log;
  workerUrl: (name: 'measure' | 'relay' | 'endpoint') => URL;
  app: AppInfo;
  authority: { certPem: string; keyPem: string };
  requireEmulable: (emulation: Emulation) => Promise<void>;
  ends: Ends;
  routes: Routes;
  demoAddress: () => Promise<{ host: string; port: number }>;
  /** What the server of runs counts. */
  onServer: (event: EndpointEvent) => void;
  onResult: ProbesOptions['onResult'];
}) {
  const {
    store,
    log,
    workerUrl,
    app,
    authority,
    requireEmulable,
    ends,
    routes,
    demoAddress,
    onServer,
    onResult,
  } = options;
  const lane = (name: LaneName): LabWorker<MeasureWorkerMethods, MeasureEvent> =>
    new LabWorker<MeasureWorkerMethods, MeasureEvent>({
      name,
      url: workerUrl('measure'),
      log,
      onEvent: (event) => probes.receive(event),
      onCrash: (error) => probes.laneLost(name, error),
      onRestart: () => probes.laneBack(name),
    });
  const transfers = lane('transfers');
  const pings = lane('pings');
  const runRelay = new LabWorker<RelayWorkerMethods>({
    name: 'run relay',
    url: workerUrl('relay'),
    log,
    onCrash: (error) => probes.pathLost(error, ({ emulation }) => emulation !== null),
  });
  const runEndpoint = new LabWorker<EndpointWorkerMethods, EndpointEvent>({
    name: 'run endpoint',
    url: workerUrl('endpoint'),
    log,
    onEvent: onServer,
    onCrash: (error) => {
      runServer.lost();
      probes.pathLost(error, ({ own }) => own);
    },
  });
  const runServer = new OwnEndpoint({ worker: runEndpoint, authority, onListening: () => {} });
  const probes = new Probes({
    store,
    lanes: { transfers: { worker: transfers, atOnce: 1 }, pings: { worker: pings, atOnce: 4 } },
    paths: new ProbePaths({
      relay: runRelay,
      requireEmulable,
      endpoint: runServer,
      demoAddress,
      routeOf: (id) => routes.get(id),
      ca: [authority.certPem],
    }),
    experimentOf: (input, name, seed) => {
      const { target } = input;
      const route = target.kind === 'route' ? routes.get(target.id) : null;
      return experimentWith(store, name, probeManifest(input, route, seed, app));
    },
    ends,
    onResult,
    log,
  });
  return { probes, workers: { transfers, pings, runRelay, runEndpoint } };
}
