/** `routelab import FILE`: archives of ours, iperf3's JSON, qlog. */

import { accessSync, constants, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { importFile } from '../lab/index.ts';
import { DATA_HELP, withStore } from './experiment-store.ts';
import { print, printJson } from './output.ts';
import { fileTrouble } from './writable.ts';

interface ImportOptions {
  name?: string;
  data?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument('<file>', 'what export wrote (jsonl, csv, parquet), what iperf3 -J printed, or a qlog')
    .option('--name <text>', 'what to call it (default: as it was called, else the file’s name)')
    .option('--data <dir>', DATA_HELP)
    .action(run);
}

async function run(file: string, options: ImportOptions): Promise<void> {
  try {
    accessSync(file, constants.R_OK);
    if (statSync(file).isDirectory()) throw new Error(`${resolve(file)} is a folder`);
  } catch (cause) {
    throw new LabError('RL_FILE_UNREADABLE', `file: ${fileTrouble(cause, file)}`, { field: 'file', cause });
  }
  await withStore({ data: options.data, mustExist: false }, async (store) => {
    const id = await importFile(store, file, basename(file));
    const named = options.name === undefined ? {} : { name: options.name };
    const { name, kind, runs } = store.experiments.update(id, named);
    const count = Object.values(runs).reduce((sum, n) => sum + n, 0);
    if (options.json) printJson({ experiment: id, name, kind, runs: count });
    else print(`experiment ${id}: ${name}, ${kind}, ${count} ${count === 1 ? 'run' : 'runs'}`);
  }).catch((thrown: unknown) => {
    if (!(thrown instanceof LabError) || thrown.code !== 'RL_DATA_IN_USE') throw thrown;
    const hint =
      'Import it through that lab: on its Experiments page, or with POST /api/v1/experiments/import. Or stop it first.';
    throw new LabError(thrown.code, thrown.message, { hint, cause: thrown });
  });
}
