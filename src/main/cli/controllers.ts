/** `routelab controllers`: the congestion controllers, and the parameters that `--set` takes. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { controllerNamed } from '../../shared/domain.ts';
import type { ControllerInfo } from '../../shared/probes.ts';
import { controllerInfos } from '../congestion/index.ts';
import { withTables } from './controllers/page.ts';
import { commandName, paint, print, printJson, table } from './output.ts';
import { readText } from './readable.ts';
import { checkFile } from './writable.ts';

interface ControllersOptions {
  page?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument('[name]', 'one controller, with its parameters')
    .option('--page <file>', 'bring the tables of a page of documentation up to date')
    .action(run);
}

function run(name: string | undefined, options: ControllersOptions): void {
  const all = controllerInfos();
  if (options.page !== undefined) updatePage(options.page, all);
  const wanted = name === undefined ? null : controllerNamed(name, 'name');
  const controllers = all.filter((each) => wanted === null || each.name === wanted);
  if (options.json) printJson({ controllers });
  else if (wanted !== null) print(described(controllers[0]!));
  else print(listed(all));
}

function listed(controllers: readonly ControllerInfo[]): string {
  const rows = controllers.map(({ name, title, parameters }) => [
    name,
    title,
    `${parameters.length} parameters`,
  ]);
  const more = paint('dim', `${commandName()} controllers NAME lists what --set Name=value takes`);
  return `${table(rows, ['left', 'left', 'left'])}

${more}`;
}

function described({ name, title, parameters }: ControllerInfo): string {
  const rows = parameters.map((each) => [
    each.name,
    String(each.default),
    each.unit,
    `${each.min} – ${each.max}`,
    each.doc,
  ]);
  const sources = [...new Set(parameters.map(({ section }) => section.replace(/ (§|bbr_).*/, '')))];
  return [
    `${name}: ${title}`,
    '',
    table([['parameter', 'default', '', 'range', ''], ...rows], ['left', 'right', 'unit', 'left', 'left']),
    '',
    paint('dim', `After ${sources.join(', ')}; docs/congestion.md has the sections.`),
  ].join('\n');
}

function updatePage(path: string, controllers: readonly ControllerInfo[]): void {
  const page = readText(path, '--page');
  checkFile(path, '--page');
  writeFileSync(path, withTables(page, controllers));
}
