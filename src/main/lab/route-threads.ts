/** What the lab's routes are watched with: a thread that probes, one that emulates paths and one with the demo's server. */
import type { Emulation, Route } from '../../shared/domain.ts';
import type { SampleBatch } from '../../shared/samples.ts';
import type { IssuedCertificate } from '../quic/tls/authority.ts';
import type { Store } from '../store/index.ts';
import type {
  EndpointEvent,
  EndpointWorkerMethods,
  MonitorEvent,
  ProbeWorkerMethods,
  RelayWorkerMethods,
} from '../workers/protocol.ts';
import type { AppInfo } from './app-info.ts';
import type { Ends } from './ends.ts';
import { MonitorExperiments } from './executors.ts';
import type { Log } from './log.ts';
import { Monitors } from './monitors.ts';
import { OwnEndpoint } from './own-endpoint.ts';
import { Routes } from './routes.ts';
import type { StatusBoard } from './status-board.ts';
import { LabWorker } from './worker.ts';

/** Threads start when they are first needed; one that ends is started again, and its routes with it. */
export function routeThreads({
  store,
  board,
  log,
  workerUrl,
  app,
  authority,
  requireEmulable,
  ends,
  onServer,
  onSamples,
  onRemove,
}: {
  store: Store;
  board: StatusBoard;
  log: Log;
  workerUrl: (name: 'probe' | 'relay' | 'endpoint') => URL;
  app: AppInfo;
  authority: IssuedCertificate;
  /** Throws RL_INPUT_INVALID for a path that cannot be emulated here. */
  requireEmulable: (emulation: Emulation) => Promise<void>;
  ends: Ends;
  /** What the demo's server counts. */
  onServer: (event: EndpointEvent) => void;
  onSamples: (route: Route, runId: number, batch: SampleBatch) => void;
  onRemove: (routeId: string) => void;
}) {
  const probe = new LabWorker<ProbeWorkerMethods, MonitorEvent>({
    name: 'probe',
    url: workerUrl('probe'),
    log,
    onEvent: (event) => monitors.receive(event),
    onCrash: (error) => monitors.lost(error, () => true),
    onRestart: () => monitors.reconnect(() => true),
  });
  const relay = new LabWorker<RelayWorkerMethods>({
    name: 'relay',
    url: workerUrl('relay'),
    log,
    onCrash: (error) => monitors.lost(error, (route) => route.emulation !== null),
    onRestart: () => monitors.reconnect((route) => route.emulation !== null),
  });
  const endpoint = new LabWorker<EndpointWorkerMethods, EndpointEvent>({
    name: 'endpoint',
    url: workerUrl('endpoint'),
    log,
    onEvent: onServer,
    onCrash: (error) => {
      demo.lost();
      monitors.lost(error, (route) => route.demo);
    },
    onRestart: () => monitors.reconnect((route) => route.demo),
  });

  const demo = new OwnEndpoint({
    worker: endpoint,
    authority,
    onListening: (port) => {
      for (const route of store.routes.list()) if (route.demo) store.routes.update(route.id, { port });
      board.changes.bump();
    },
  });
  const monitored = new MonitorExperiments(store, app);
  const monitors = new Monitors({
    store,
    board,
    probe,
    relay,
    requireEmulable,
    ends,
    log,
    ca: [authority.certPem],
    demoAddress: () => demo.address(),
    experimentOf: (route) => monitored.of(route),
    onSamples,
  });
  const routes = new Routes({
    store,
    monitors,
    demo,
    onChange: () => board.changes.bump(),
    onRemove,
  });
  return { workers: { probe, relay, endpoint }, demo, monitored, monitors, routes };
}
