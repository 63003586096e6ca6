/**
 * The options of `emulate` that say what the path does. Each holds for both directions, or for one of them where its value
 * is `up=…`, `down=…` or both with a comma between: `--loss 1%`, `--delay up=10ms,down=40ms`, `--burst-loss down=0.01,0.3`.
 */
import type { Command } from 'commander';
import { type Emulation, LinkSettings } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { type LinkTrace, withoutTraced } from '../../../shared/link-settings.ts';
import { parseTrace } from '../../../shared/trace/parse.ts';
import { parseBytes, parseDuration, parseRate, parseRatio } from '../../../shared/units.ts';
import { findProfile, PROFILES } from '../../path/profiles.ts';
import { parseChoice, parseNumber } from '../options.ts';
import { readText } from '../readable.ts';

type Way = 'up' | 'down';
/** What an option changes. */
type Change = Partial<LinkSettings>;
type Changes = Partial<Record<Way, Change>>;

export interface PathOptions {
  profile?: string;
  rtt?: Changes;
  rate?: Changes;
  rateSchedule?: Changes;
  trace?: Changes;
  delay?: Changes;
  jitter?: Changes;
  reorder?: Changes;
  reorderBy?: Changes;
  loss?: Changes;
  burstLoss?: Changes;
  lossEvery?: Changes;
  dup?: Changes;
  corrupt?: Changes;
  buffer?: Changes;
  aqm?: Changes;
  codelTarget?: Changes;
  codelInterval?: Changes;
  /** Bytes. */
  mtu?: number;
}

interface PathOption {
  key: Exclude<keyof PathOptions, 'profile' | 'mtu'>;
  flag: string;
  value: string;
  about: string;
  parse: (text: string, flag: string) => Change;
}

const milliseconds =
  (field: 'delayMs' | 'jitterMs' | 'reorderMs' | 'codelTargetMs' | 'codelIntervalMs') =>
  (text: string, flag: string): Change =>
    within({ [field]: parseDuration(text, flag, 'ms') / 1e3 }, text, flag, 'ms');
const ratio =
  (field: 'lossRatio' | 'reorderRatio' | 'duplicateRatio' | 'corruptRatio') =>
  (text: string, flag: string): Change => ({ [field]: parseRatio(text, flag) });

const OPTIONS: readonly PathOption[] = [
  {
    key: 'rtt',
    flag: '--rtt',
    value: '<time>',
    about: 'round trip without queues, half of it each way: instead of --delay',
    parse: (text, flag) =>
      within({ delayMs: parseDuration(text, flag, 'ms') / 2e3 }, text, flag, 'ms each way'),
  },
  {
    key: 'rate',
    flag: '--rate',
    value: '<rate>',
    about: 'bottleneck, such as 20mbit',
    parse: (text, flag) => within({ rateBps: parseRate(text, flag) }, text, flag, 'bit/s'),
  },
  {
    key: 'rateSchedule',
    flag: '--rate-schedule',
    value: '<time:rate,…>',
    about: 'the rate from then on, such as 20s:2mbit,40s:20mbit; until then --rate',
    parse: parseSchedule,
  },
  {
    key: 'trace',
    flag: '--trace',
    value: '<file>',
    about: 'replay a path: CSV of time, rate, delay and loss, or Mahimahi’s milliseconds',
    parse: (file, flag) => ({ trace: readTrace(file, flag) }),
  },
  {
    key: 'delay',
    flag: '--delay',
    value: '<time>',
    about: 'one-way delay, such as 40ms or, in milliseconds, 40',
    parse: milliseconds('delayMs'),
  },
  {
    key: 'jitter',
    flag: '--jitter',
    value: '<time>',
    about: 'uniform variation of the delay, plus or minus, such as 2ms; order is kept',
    parse: milliseconds('jitterMs'),
  },
  {
    key: 'reorder',
    flag: '--reorder',
    value: '<ratio>',
    about: 'packets taken out of order, such as 1%',
    parse: ratio('reorderRatio'),
  },
  {
    key: 'reorderBy',
    flag: '--reorder-by',
    value: '<time>',
    about: 'how late those are at most (default: a quarter of the delay, at least 1ms)',
    parse: milliseconds('reorderMs'),
  },
  {
    key: 'loss',
    flag: '--loss',
    value: '<ratio>',
    about: 'random loss, such as 1% or 0.01',
    parse: ratio('lossRatio'),
  },
  {
    key: 'burstLoss',
    flag: '--burst-loss',
    value: '<p,r[,h,k]>',
    about: 'Gilbert-Elliott: from good to bad, back, passed in bad (default 0), in good (1)',
    parse: parseGilbert,
  },
  {
    key: 'lossEvery',
    flag: '--loss-every',
    value: '<n>',
    about: 'lose each n-th packet',
    parse: (text, flag) => ({
      loss: { model: 'every_nth', n: parseNumber(text, flag, { min: 2, max: 1e9, integer: true }) },
    }),
  },
  {
    key: 'dup',
    flag: '--dup',
    value: '<ratio>',
    about: 'packets that come twice',
    parse: ratio('duplicateRatio'),
  },
  {
    key: 'corrupt',
    flag: '--corrupt',
    value: '<ratio>',
    about: 'packets with one bit of their payload flipped',
    parse: ratio('corruptRatio'),
  },
  {
    key: 'buffer',
    flag: '--buffer',
    value: '<size>',
    about: 'queue before the bottleneck, such as 64kb or 1.5bdp (default 1bdp, at least 64kb)',
    parse: parseBuffer,
  },
  {
    key: 'aqm',
    flag: '--aqm',
    value: '<name>',
    about: 'droptail (default) or codel',
    parse: (text, flag) => ({ aqm: parseChoice(text, flag, ['droptail', 'codel'] as const) }),
  },
  {
    key: 'codelTarget',
    flag: '--codel-target',
    value: '<time>',
    about: 'CoDel’s TARGET (default 5ms)',
    parse: milliseconds('codelTargetMs'),
  },
  {
    key: 'codelInterval',
    flag: '--codel-interval',
    value: '<time>',
    about: 'CoDel’s INTERVAL (default 100ms)',
    parse: milliseconds('codelIntervalMs'),
  },
];

/** The option that sets a setting, as the user gave it. */
function flagOf(setting: keyof LinkSettings, options: PathOptions, way: Way): string {
  const given = OPTIONS.find(({ key }) => {
    const change = options[key]?.[way];
    return change !== undefined && setting in change;
  });
  return given?.flag ?? '--profile';
}

export function configurePath(command: Command): void {
  command.option(
    '--profile <name>',
    `a named network, which the options below change: ${PROFILES.map(({ name }) => name).join(', ')}`,
  );
  for (const { flag, value, about, parse } of OPTIONS) {
    command.option(`${flag} ${value}`, about, (text, previous: Changes = {}) => ({
      ...previous,
      ...eachWay(text, flag, parse),
    }));
  }
  command.option(
    '--mtu <bytes>',
    'largest IP packet that passes; larger ones are dropped (default 1500)',
    (text) => parseNumber(text, '--mtu', { min: 1280, max: 65_535, integer: true }),
  );
}

function eachWay(text: string, flag: string, parse: PathOption['parse']): Changes {
  const named = /^\s*([a-z]+)=/i.exec(text)?.[1];
  if (named !== undefined && named !== 'up' && named !== 'down') {
    throw new LabError('RL_INPUT_INVALID', `${flag}: "${named}" is no direction; write up=… or down=…`, {
      field: flag,
    });
  }
  if (named === undefined) {
    const change = parse(text, flag);
    return { up: change, down: change };
  }
  const changes: Changes = {};
  for (const part of text.split(/,(?=(?:up|down)=)/)) {
    const way = part.startsWith('up=') ? 'up' : 'down';
    if (changes[way] !== undefined) {
      throw new LabError('RL_INPUT_INVALID', `${flag}: "${text}" has ${way} twice`, { field: flag });
    }
    changes[way] = parse(part.slice(way.length + 1), flag);
  }
  return changes;
}

/** The change, once the domain accepts its value. */
function within(change: Change, text: string, flag: string, unit: string): Change {
  for (const [name, value] of Object.entries(change)) {
    const shape = LinkSettings.shape[name as keyof LinkSettings];
    if (shape.safeParse(value).success) continue;
    const { minValue, maxValue } = numberOf(shape);
    const range = !shape.safeParse(minValue).success
      ? `above ${minValue} and at most ${maxValue}`
      : `from ${minValue} to ${maxValue}`;
    throw new LabError('RL_INPUT_INVALID', `${flag}: "${text}" is not ${range} ${unit}`, { field: flag });
  }
  return change;
}

interface NumberRange {
  minValue: number;
  maxValue: number;
}

/** The number of a schema that may be optional or null as well. */
function numberOf(schema: object): NumberRange {
  return 'unwrap' in schema
    ? numberOf((schema.unwrap as () => object).call(schema))
    : (schema as NumberRange);
}

function parseSchedule(text: string, flag: string): Change {
  const rateSchedule = text.split(',').map((part): [number, number] => {
    const [time, rate, ...rest] = part.split(':');
    if (time === undefined || rate === undefined || rest.length > 0) {
      throw new LabError(
        'RL_INPUT_INVALID',
        `${flag}: "${part}" is not a time and a rate such as 20s:2mbit`,
        {
          field: flag,
        },
      );
    }
    within({ rateBps: parseRate(rate, flag) }, rate, flag, 'bit/s');
    return [parseDuration(time, flag, 's') / 1e6, parseRate(rate, flag)];
  });
  const { success, error } = LinkSettings.shape.rateSchedule.safeParse(rateSchedule);
  if (success) return { rateSchedule };
  throw new LabError('RL_INPUT_INVALID', `${flag}: "${text}": ${error.issues[0]!.message}`, { field: flag });
}

function parseGilbert(text: string, flag: string): Change {
  const numbers = text.split(',');
  if (numbers.length < 2 || numbers.length > 4) {
    throw new LabError('RL_INPUT_INVALID', `${flag}: "${text}" is not p,r or p,r,h,k such as 1%,30%`, {
      field: flag,
    });
  }
  // Here 1 cannot be one in a hundred: all four are probabilities.
  const [p, r, h, k] = numbers.map((part) => (part.trim() === '1' ? 1 : parseRatio(part, flag)));
  if (r === 0) {
    throw new LabError('RL_INPUT_INVALID', `${flag}: r is 0: the first burst would never end`, {
      field: flag,
    });
  }
  return { loss: { model: 'gilbert', p: p!, r: r!, h: h ?? 0, k: k ?? 1 } };
}

function parseBuffer(text: string, flag: string): Change {
  const match = /^\s*([\d.]+)\s*bdp\s*$/i.exec(text);
  if (match === null) {
    return { ...within({ bufferBytes: parseBytes(text, flag) }, text, flag, 'bytes'), bufferBdp: undefined };
  }
  const bufferBdp = parseNumber(match[1]!, flag, { min: 0, max: 1000 });
  return { ...within({ bufferBdp }, text, flag, 'BDP'), bufferBytes: null };
}

const readTrace = (file: string, flag: string): LinkTrace => parseTrace(readText(file, flag), flag);

/** The path the options describe: a profile, or a clear path, as they change it. */
export function emulationOf(options: PathOptions): Emulation {
  const base = options.profile === undefined ? null : findProfile(options.profile, '--profile');
  const ways = OPTIONS.some(({ key }) => options[key] !== undefined);
  if (options.lossEvery !== undefined && options.burstLoss !== undefined) {
    throw contradiction('--loss-every', 'given beside --burst-loss');
  }
  if (options.rtt !== undefined && options.delay !== undefined) {
    throw contradiction('--rtt', 'given beside --delay');
  }
  return {
    profile: ways || base === null ? 'custom' : base.profile,
    up: linkOf('up', base?.up ?? CLEAR, options),
    down: linkOf('down', base?.down ?? CLEAR, options),
    flap: base?.flap ?? null,
    ...(options.mtu === undefined ? {} : { mtuBytes: options.mtu }),
  };
}

const CLEAR: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };

const contradiction = (flag: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${flag}: ${message}`, { field: flag });

function linkOf(way: Way, base: LinkSettings, options: PathOptions): LinkSettings {
  const changes: Change = Object.assign({}, ...OPTIONS.map(({ key }) => options[key]?.[way] ?? {}));
  const settings = LinkSettings.safeParse({ ...base, ...replacedBy(changes), ...changes });
  if (settings.success) return settings.data;
  const { path, message } = settings.error.issues[0]!;
  const needsRate = path[0] === 'bufferBdp' || path[0] === 'aqm';
  if (needsRate && settings.error.issues[0]!.message.includes('unlimited rate'))
    throw contradiction(flagOf(path[0] as keyof LinkSettings, options, way), 'needs --rate, or a --trace');
  const flag = flagOf(path[0] as keyof LinkSettings, options, way);
  throw contradiction(flag, `${way === 'up' ? 'towards the target' : 'towards clients'}, ${message}`);
}

/** What a profile has that an option stands instead of. */
function replacedBy({ trace, loss }: Change): Change {
  return { ...(trace && withoutTraced(trace)), ...(loss !== undefined && { lossRatio: 0 }) };
}
