/** `routelab quic-test`: quic-test's flags, measured by RouteLab. */
import type { Command } from 'commander';
import packageJson from '../../../package.json' with { type: 'json' };
import { PROFILES } from '../path/profiles.ts';
import { describePath } from './emulate/describe.ts';
import { print, printJson, table } from './output.ts';
import { FLAGS } from './quic-test/flags.ts';
import { parseGoFlags } from './quic-test/go-flags.ts';
import { readSettings } from './quic-test/settings.ts';
import { list } from './scenario.ts';

export function configure(command: Command): void {
  command
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => run(process.argv.slice(process.argv.indexOf('quic-test') + 1)));
}

async function run(args: readonly string[]): Promise<void> {
  const own = args.filter((arg) => arg !== '--json' && arg !== '--debug');
  const asJson = args.includes('--json');
  if (own.includes('-h')) return help();
  const given = parseGoFlags(own, FLAGS);
  const isOn = (flag: string): boolean => given.get(flag) === 'true';
  if (isOn('help')) return help();
  if (isOn('version')) return print(packageJson.version);
  if (isOn('list-scenarios')) return list(asJson);
  if (isOn('list-profiles')) return listProfiles(asJson);
  const settings = readSettings(given);
  // Each takes much that the others do not need.
  if (settings.mode === 'server') {
    const { serve } = await import('./quic-test/serve.ts');
    await serve(settings, asJson);
  } else if (settings.comparison !== null) {
    const { compare } = await import('./quic-test/compare.ts');
    await compare(settings, settings.comparison, asJson);
  } else {
    const { send } = await import('./quic-test/send.ts');
    await send(settings, asJson);
  }
}

function help(): void {
  print(
    'Usage: routelab quic-test [flags]\n\nFlags may have one dash or two, and their value behind = or after them.\n',
  );
  print(
    table(
      FLAGS.map(({ name, value, about }) => [`  --${name}${value === null ? '' : ` <${value}>`}`, about]),
      ['left', 'left'],
    ),
  );
}

function listProfiles(asJson: boolean): void {
  if (asJson) {
    printJson({ profiles: PROFILES });
    return;
  }
  print(
    table(
      PROFILES.map(({ name, emulation }) => [name, describePath({ ...emulation, profile: 'custom' })]),
      ['left', 'left'],
    ),
  );
}
