/** `routelab report [EXPERIMENT]`: what an experiment came to; without one, which there are. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { reportText } from '../lab/index.ts';
import type { Store } from '../store/index.ts';
import { AtomicFile } from './atomic-file.ts';
import { DATA_HELP, experimentNamed, withStore } from './experiment-store.ts';
import { parseChoice } from './options.ts';
import { note, print, printJson, table } from './output.ts';

const FORMATS = ['md', 'csv', 'json', 'html'] as const;

interface ReportOptions {
  format?: (typeof FORMATS)[number];
  out?: string;
  redact?: true;
  data?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument('[experiment]', 'its id, or its name (the newest of this name); without, all are listed')
    .option('--format <name>', `${FORMATS.join(', ')} (default md)`, (text) =>
      parseChoice(text, '--format', FORMATS),
    )
    .option('--out <file>', 'write it there instead of to standard output')
    .option('--redact', 'mask host names, addresses and notes')
    .option('--data <dir>', DATA_HELP)
    .action(run);
}

async function run(experiment: string | undefined, options: ReportOptions): Promise<void> {
  await withStore({ data: options.data, mustExist: true, reads: true }, async (store) => {
    if (experiment === undefined) return list(store, options.json === true);
    const { format = options.json ? 'json' : 'md', redact = false, out } = options;
    const { id, name } = experimentNamed(store, experiment);
    const text = await reportText(store, { id, format, redact, atMs: Date.now() });
    if (out === undefined) {
      process.stdout.write(text);
      return;
    }
    const file = new AtomicFile(out, '--out');
    try {
      file.write(text);
      file.commit();
    } finally {
      file.discard();
    }
    if (options.json)
      printJson({ experiment: id, name, format, file: resolve(out), bytes: Buffer.byteLength(text) });
    else note(`The report is in ${out}`);
  });
}

function list(store: Store, asJson: boolean): void {
  const { experiments } = store.experiments.list();
  if (asJson) {
    printJson({ experiments: experiments.map(({ manifest: _, ...rest }) => rest) });
    return;
  }
  if (experiments.length === 0) {
    print('There are no experiments yet.');
    return;
  }
  const rows = experiments.map(({ id, kind, name, createdAtMs, runs, tags }) => [
    String(id),
    kind,
    new Date(createdAtMs).toISOString().slice(0, 16).replace('T', ' '),
    `${runs.done}/${Object.values(runs).reduce((sum, n) => sum + n, 0)}`,
    name,
    tags.join(' '),
  ]);
  print(
    table(
      [['id', 'kind', 'begun (UTC)', 'done', 'name', 'tags'], ...rows],
      ['right', 'left', 'left', 'right', 'left', 'left'],
    ),
  );
}
