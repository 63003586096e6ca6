/** `routelab matrix`: loads of many kinds over paths of many kinds, each combination a cell. */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { LIGHT_MATRIX, MatrixSettings } from '../../shared/matrix.ts';
import { parseDuration, parseRatio } from '../../shared/units.ts';
import type { LabClient } from '../lab/index.ts';
import {
  type CellFlags,
  configureCells,
  configureOutcome,
  measureCells,
  resumeCells,
  settingsOf,
} from './cells.ts';
import { parseNumber } from './options.ts';
import { parseSeconds } from './seconds.ts';
import { isJudged, limitsOf } from './sla-options.ts';

interface MatrixOptions extends CellFlags {
  light?: true;
  rates?: number[];
  connections?: number[];
  loss?: number[];
  rtt?: number[];
  streams?: number;
  packetSize?: number;
  duration?: number;
  warmUp?: number;
  coolDown?: number;
  resume?: true | number;
}

const list =
  (flag: string, parse: (text: string) => number) =>
  (text: string): number[] => {
    const values = text.split(',').map((part) => parse(part.trim()));
    if (new Set(values).size === values.length) return values;
    throw new LabError('RL_INPUT_INVALID', `${flag}: "${text}" names a value twice`, { field: flag });
  };

const number =
  (flag: string, min: number, max: number, integer = false) =>
  (text: string) =>
    parseNumber(text, flag, { min, max, integer });

export function configure(command: Command): void {
  command
    .option('--light', '16 cells of 10 s, for a first look')
    .option(
      '--rates <n,…>',
      'messages per second of each stream (default 100,300,600,1000)',
      list('--rates', number('--rates', 0.1, 10_000)),
    )
    .option(
      '--connections <n,…>',
      'connections (default 1,2,4,8)',
      list('--connections', number('--connections', 1, 64, true)),
    )
    .option(
      '--loss <ratio,…>',
      'loss of the round trip (default 0,1%,3%,5%)',
      list('--loss', (text) => within(parseRatio(text, '--loss'), text, '--loss', 0.9, '90%')),
    )
    .option(
      '--rtt <time,…>',
      'round trip (default 5ms,30ms,100ms)',
      list('--rtt', (text) => within(parseDuration(text, '--rtt', 'ms') / 1e3, text, '--rtt', 10_000, '10s')),
    )
    .option('--streams <n>', 'streams of each connection (default 1)', number('--streams', 1, 100, true))
    .option(
      '--packet-size <bytes>',
      'payload of a message (default 1200)',
      number('--packet-size', 16, 65_535, true),
    )
    .option('--duration <time>', 'measured of each cell (default 30s)', parseSeconds('--duration', 0.5, 580))
    .option('--warm-up <time>', 'sent before that (default 5s)', parseSeconds('--warm-up', 0, 60))
    .option('--cool-down <time>', 'and after it (default 2s)', parseSeconds('--cool-down', 0, 60))
    .option('--resume [id]', 'measure what is missing of a matrix (default: of the newest)', (text) =>
      parseNumber(text, '--resume', { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true }),
    );
  configureCells(command, 3);
  configureOutcome(command);
  command
    .addHelpText('after', '\nExample: matrix --light --repeat 1 --sla lenient --report matrix.md')
    .action(run);
}

function within(value: number, text: string, flag: string, max: number, most: string): number {
  if (value <= max) return value;
  throw new LabError('RL_INPUT_INVALID', `${flag}: ${text} is more than ${most}`, { field: flag });
}

async function run(options: MatrixOptions): Promise<void> {
  const { light, rates, connections, loss, rtt, streams, packetSize, duration, warmUp, coolDown } = options;
  const given = {
    ...(rates && { rates }),
    ...(connections && { connections }),
    ...(loss && { lossRatios: loss }),
    ...(rtt && { rttsMs: rtt }),
    ...(streams !== undefined && { streams }),
    ...(packetSize !== undefined && { packetBytes: packetSize }),
    ...(duration !== undefined && { durationS: duration }),
    ...(warmUp !== undefined && { warmUpS: warmUp }),
    ...(coolDown !== undefined && { coolDownS: coolDown }),
    ...settingsOf(options),
  };
  if (options.resume !== undefined) {
    const { resume } = options;
    return resumeCells(options, {
      kind: 'matrix',
      given: light === true || Object.keys(given).length > 0,
      idOf: async (client) => (resume === true ? newest(client) : resume),
    });
  }
  const settings = MatrixSettings.safeParse({
    ...(light && LIGHT_MATRIX),
    ...given,
    ...(isJudged(options) && { limits: limitsOf(options) }),
  });
  if (!settings.success) {
    const { path, message } = settings.error.issues[0]!;
    const field = FLAGS[path[0] as keyof typeof FLAGS];
    throw new LabError('RL_INPUT_INVALID', `${field}: ${message}`, { field });
  }
  const { seed } = options;
  await measureCells(options, (client) =>
    client.matrix.start({ kind: 'matrix', settings: settings.data, ...(seed !== undefined && { seed }) }),
  );
}

/** What the parsers of single options do not see. */
const FLAGS = {
  rates: '--rates',
  connections: '--connections',
  lossRatios: '--loss',
  rttsMs: '--rtt',
  streams: '--streams',
} as const;

/** Of those that something is missing of. */
async function newest(client: LabClient): Promise<number> {
  const { experiments } = await client.experiments.list({ kind: 'matrix', limit: 100 });
  const found = experiments.find(({ runs }) => runs.interrupted + runs.cancelled + runs.failed > 0);
  if (found !== undefined) return found.id;
  throw new LabError('RL_NOT_FOUND', 'There is no matrix that something is missing of', {
    field: '--resume',
  });
}
