/** What a lab is to its hosts, and what they say to open one. */
import type { AlertNotice } from '../../shared/alerts.ts';
import type { Health } from '../../shared/monitoring.ts';
import type { Exporter } from '../telemetry/exporter.ts';
import type { Configuration } from './configuration.ts';
import type { Log } from './log.ts';
import type { Measurers } from './matrix/kinds.ts';
import type { LabClient, LabRouter } from './router/index.ts';
import type { MonitoringPeriods } from './system.ts';

export interface LabOptions {
  dataDir: string;
  host: 'desktop' | 'headless';
  /** Where the worker entries are: sources, or what the build made of them. */
  workerUrl: (name: 'probe' | 'endpoint' | 'relay' | 'measure' | 'upkeep' | 'flow') => URL;
  log: Log;
  /** Whether demo routes of an earlier session are measured again; default true. */
  resumeDemo?: boolean;
  /** Comparisons with TCP; without them such experiments cannot be measured here. */
  measurers?: Measurers;
  /** Of this lab; default: all settings as they are without one. The lab starts and closes it. */
  configuration?: Configuration;
  /** Whether routes are probed as an earlier session left them; default true. */
  resume?: boolean;
  /** In place of what the configuration says of monitoring. */
  monitoring?: Partial<MonitoringPeriods>;
  /** Shows an alert on the desktop; absent where the host has none. */
  notify?: (notice: AlertNotice) => void;
}

export interface Lab {
  readonly router: LabRouter;
  /** The same operations, within the process. */
  readonly client: LabClient;
  readonly configuration: Configuration;
  /** Where this lab's host serves `/metrics`; the host sets it once it listens. */
  metricsUrl: string | null;
  renderMetrics: Exporter['render'];
  health(): Health;
  /** Ends every probe, relay and server and stores what was measured, within about two seconds. Never rejects. */
  close(): Promise<void>;
}
