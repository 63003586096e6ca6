/** What the handlers of the contract are given, and how they refuse what cannot be asked. */
import { implement } from '@orpc/server';
import { contract } from '../../../shared/contract/index.ts';
import type { LabInfo } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import type { Store } from '../../store/index.ts';
import type { Alerts } from '../alerts.ts';
import type { AppInfo } from '../app-info.ts';
import type { Configuration } from '../configuration.ts';
import type { DataSources } from '../data-sources.ts';
import type { CapacityOfEmulator } from '../emulator-capacity.ts';
import type { Ends } from '../ends.ts';
import { toCarriedError } from '../errors.ts';
import type { Exports } from '../export-folder.ts';
import type { FileImports } from '../file-imports.ts';
import type { Live } from '../live.ts';
import type { Log } from '../log.ts';
import type { Matrices } from '../matrix/matrices.ts';
import type { Probes } from '../probes.ts';
import type { QlogImports } from '../qlog-imports.ts';
import type { Reproductions } from '../reproductions.ts';
import type { RunsOf } from '../results.ts';
import type { Routes } from '../routes.ts';
import type { SystemMonitor } from '../system.ts';
import type { StoreUpkeep } from '../upkeep.ts';

export interface RouterParts {
  store: Store;
  routes: Routes;
  configuration: Configuration;
  dataSources: DataSources;
  probes: Probes;
  capacity: CapacityOfEmulator;
  imports: QlogImports;
  reproductions: Reproductions;
  matrices: Matrices;
  ends: Ends;
  app: AppInfo;
  runs: RunsOf;
  exports: Exports;
  files: FileImports;
  live: Live;
  upkeep: Pick<StoreUpkeep, 'ready'>;
  alerts: Alerts;
  system: SystemMonitor;
  info: () => LabInfo;
  log: Log;
  /** Aborts when the lab closes: no stream outlives it. */
  closing: AbortSignal;
}

/** Opens a stream whose failures are the catalogue’s too, and which ends with its caller or with the lab. */
type OpenStream = <T>(
  path: readonly string[],
  signal: AbortSignal | undefined,
  open: (signal: AbortSignal) => AsyncGenerator<T>,
) => AsyncGenerator<T>;

/** The contract to implement, its failures carried as the catalogue’s, and how to open streams. */
export function implementation({ log, closing }: RouterParts) {
  const carried = (path: readonly string[], thrown: unknown) => {
    const error = toCarriedError(thrown);
    if (error.code === 'RL_INTERNAL')
      log.error({ operation: path.join('.'), err: thrown }, 'an operation failed');
    return error;
  };
  const os = implement(contract).use(async ({ next, path }) => {
    try {
      return await next();
    } catch (thrown) {
      throw carried(path, thrown);
    }
  });
  const stream: OpenStream = async function* (path, signal, open) {
    try {
      yield* open(signal === undefined ? closing : AbortSignal.any([signal, closing]));
    } catch (thrown) {
      throw carried(path, thrown);
    }
  };
  return { os, stream };
}

export type Implementation = ReturnType<typeof implementation>;

export const outOfRange = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field}: ${message}`, { field });

export function requireRange(field: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw outOfRange(field, `not from ${min} to ${max}`);
}

export function requireWindow(fromMs: number, toMs: number): void {
  requireRange('fromMs', fromMs, 0, Number.MAX_SAFE_INTEGER / 1000);
  requireRange('toMs', toMs, 0, Number.MAX_SAFE_INTEGER / 1000);
  if (toMs <= fromMs) throw outOfRange('toMs', 'not after fromMs');
}
