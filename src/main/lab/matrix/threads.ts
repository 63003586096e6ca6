/** The threads of cells, for load, path and server: probe runs have others, so that neither delays the other's packets. */
import type { Emulation } from '../../../shared/domain.ts';
import type {
  EndpointEvent,
  EndpointWorkerMethods,
  LoadEvent,
  MeasureWorkerMethods,
  RelayWorkerMethods,
} from '../../workers/protocol.ts';
import type { Log } from '../log.ts';
import { OwnEndpoint } from '../own-endpoint.ts';
import { LabWorker } from '../worker.ts';
import { Loads } from './loads.ts';

/** They start with the first cell. */
export function cellThreads(options: {
  workerUrl: (name: 'endpoint' | 'relay' | 'measure') => URL;
  log: Log;
  authority: { certPem: string; keyPem: string };
  requireEmulable: (emulation: Emulation) => Promise<void>;
  /** What the server of cells counts. */
  onServer: (event: EndpointEvent) => void;
}) {
  const { workerUrl, log, authority, requireEmulable, onServer } = options;
  const loader = new LabWorker<MeasureWorkerMethods, LoadEvent>({
    name: 'load',
    url: workerUrl('measure'),
    log,
    onEvent: (event) => loads.receive(event),
    onCrash: (error) => loads.lost(error),
  });
  const cellRelay = new LabWorker<RelayWorkerMethods>({
    name: 'cell relay',
    url: workerUrl('relay'),
    log,
    onCrash: (error) => loads.lost(error),
  });
  const cellEndpoint = new LabWorker<EndpointWorkerMethods, EndpointEvent>({
    name: 'cell endpoint',
    url: workerUrl('endpoint'),
    log,
    onEvent: onServer,
    onCrash: (error) => {
      server.lost();
      loads.lost(error);
    },
  });
  const server = new OwnEndpoint({ worker: cellEndpoint, authority, onListening: () => {} });
  const loads = new Loads({
    worker: loader,
    relay: cellRelay,
    endpoint: server,
    requireEmulable,
    ca: [authority.certPem],
  });
  return { loads, workers: { loader, cellRelay, cellEndpoint } };
}
