/** `routelab scenario NAME`: a named load over a named path, with the limits it has to keep. */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { SCENARIO_NAMES, SCENARIOS, ScenarioSettings, scenarioNamed } from '../../shared/matrix.ts';
import { suggestion } from '../../shared/suggestion.ts';
import {
  type CellFlags,
  configureCells,
  configureOutcome,
  measureCells,
  resumeCells,
  settingsOf,
} from './cells.ts';
import { parseNumber } from './options.ts';
import { print, printJson, table } from './output.ts';
import { parseSeconds } from './seconds.ts';
import { isJudged, limitsOf } from './sla-options.ts';

interface ScenarioOptions extends CellFlags {
  list?: true;
  duration?: number;
  warmUp?: number;
  coolDown?: number;
  resume?: number;
}

export function configure(command: Command): void {
  command
    .argument('[name]', SCENARIO_NAMES.join(', '))
    .option('--list', 'what there is')
    .option(
      '--duration <time>',
      'measured (default: as the scenario has it)',
      parseSeconds('--duration', 0.5, 580),
    )
    .option('--warm-up <time>', 'sent before that (default 1s)', parseSeconds('--warm-up', 0, 60))
    .option('--cool-down <time>', 'and after it (default 0)', parseSeconds('--cool-down', 0, 60))
    .option('--resume <id>', 'measure what is missing of a scenario’s repetitions', (text) =>
      parseNumber(text, '--resume', { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true }),
    );
  configureCells(command, 1);
  configureOutcome(command);
  command
    .addHelpText('after', '\nWithout --sla the limits of the scenario itself are the gates.')
    .action(run);
}

async function run(name: string | undefined, options: ScenarioOptions): Promise<void> {
  if (options.list) return list(options.json === true);
  const { duration, warmUp, coolDown, seed, resume } = options;
  const scenario = name === undefined ? undefined : known(name);
  const times = {
    ...(duration !== undefined && { durationS: duration }),
    ...(warmUp !== undefined && { warmUpS: warmUp }),
    ...(coolDown !== undefined && { coolDownS: coolDown }),
  };
  if (resume !== undefined)
    return resumeCells(options, {
      kind: 'scenario',
      given: Object.keys(times).length > 0,
      idOf: async () => resume,
      check: ({ id, manifest }) => {
        const { scenario: is } = manifest['parameters'] as { scenario?: unknown };
        if (name !== undefined && name !== is)
          throw new LabError('RL_INPUT_INVALID', `--resume: experiment ${id} is of ${is}, not of ${name}`, {
            field: '--resume',
          });
      },
    });
  if (scenario === undefined) throw new LabError('RL_USAGE', 'Which scenario? --list shows them');
  const settings = ScenarioSettings.parse({
    scenario: name,
    ...times,
    ...settingsOf(options),
    ...(isJudged(options) && { limits: limitsOf(options, scenario.limits) }),
  });
  await measureCells(options, (client) =>
    client.matrix.start({ kind: 'scenario', settings, ...(seed !== undefined && { seed }) }),
  );
}

function known(name: string) {
  const found = scenarioNamed(name);
  if (found !== undefined) return found;
  const meant = suggestion(name, SCENARIO_NAMES);
  throw new LabError('RL_INPUT_INVALID', `name: there is no scenario "${name}"`, {
    field: 'name',
    hint: meant === null ? `Use one of: ${SCENARIO_NAMES.join(', ')}.` : `Did you mean ${meant}?`,
  });
}

export function list(asJson: boolean): void {
  if (asJson) {
    printJson({ scenarios: SCENARIOS });
    return;
  }
  const rows = SCENARIOS.map(({ name, about, load, limits }) => [
    name,
    about,
    String(load.connections),
    String(load.streams),
    `${load.ratePerS}/s`,
    `${load.durationS} s`,
    `${limits.goodputBps / 1e6} Mbit/s`,
    `${limits.rttP95Us / 1e3} ms`,
    `${Number((limits.lossRatio * 100).toFixed(6))} %`,
    String(limits.errors),
  ]);
  const heading = [
    'name',
    '',
    'connections',
    'streams',
    'messages',
    'for',
    'goodput ≥',
    'RTT p95 ≤',
    'loss ≤',
    'errors ≤',
  ];
  print(table([heading, ...rows], ['left', 'left', ...Array<'right'>(8).fill('right')]));
}
