/** `routelab export EXPERIMENT`: an experiment as a file. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  EXPORT_FORMATS,
  EXPORT_TABLES,
  type ExportFormat,
  type ExportTable,
} from '../../shared/experiments.ts';
import { formatBytes } from '../../shared/units.ts';
import { writeExport } from '../lab/index.ts';
import { DATA_HELP, experimentNamed, withStore } from './experiment-store.ts';
import { parseChoice } from './options.ts';
import { print, printJson } from './output.ts';
import { placeOf } from './writable.ts';

interface ExportOptions {
  format: ExportFormat;
  out: string;
  table?: ExportTable;
  redact?: true;
  data?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument('<experiment>', 'its id, or its name (the newest of this name); routelab report lists them')
    .requiredOption(
      '--format <name>',
      `${EXPORT_FORMATS.join(', ')}; jsonl, csv and parquet lose nothing and can be imported, csv and parquet as a ZIP`,
      (text) => parseChoice(text, '--format', EXPORT_FORMATS),
    )
    .requiredOption('--out <file>', 'file to write')
    .option(
      '--table <name>',
      `that table alone, as one csv or parquet file: ${EXPORT_TABLES.join(', ')}`,
      (text) => parseChoice(text, '--table', EXPORT_TABLES),
    )
    .option('--redact', 'mask host names, addresses and notes (html, md, json)')
    .option('--data <dir>', DATA_HELP)
    .action(run);
}

async function run(experiment: string, options: ExportOptions): Promise<void> {
  const { format, table, redact = false } = options;
  await withStore({ data: options.data, mustExist: true, reads: true }, async (store) => {
    const { id, name } = experimentNamed(store, experiment);
    const path = placeOf(resolve(options.out), '--out');
    await writeExport(store, path, { id, format, table, redact, atMs: Date.now() });
    const bytes = statSync(path).size;
    if (options.json) printJson({ experiment: id, name, format, ...(table && { table }), file: path, bytes });
    else print(`${name}: ${formatBytes(bytes)} in ${path}`);
  });
}
