/** The settings of a manifest in words and with their units, which their names bear: `delayMs`, `lossRatio`. Pure. */
import { formatBytes } from '../../../shared/units.ts';
import { shortened } from '../../parts/shortened.ts';

const plain = (value: number): string => String(shortened(value));

type Unit = readonly [ending: RegExp, text: (value: number) => string];
/** The first that a name ends with. */
const UNITS: readonly Unit[] = [
  [/Bps$/, (value) => `${plain(value / 1e6)} Mbit/s`],
  [/PerS$|Rate$|^rates$/, (value) => `${plain(value)} per s`],
  [/Ms$/, (value) => `${plain(value)} ms`],
  [/Us$/, (value) => `${plain(value / 1e3)} ms`],
  [/Ratios?$/, (value) => `${plain(value * 100)} %`],
  [/Bytes$|^bytes$/, formatBytes],
  [/Bdp$/, (value) => `${plain(value)} × BDP`],
  [/S$/, (value) => `${plain(value)} s`],
];
const UNIT_ENDING = /(Bps|PerS|Ms|Us|Bytes|Bdp|S)$/;

/** Names that are not read as they are written. */
const NAMES: Readonly<Record<string, string>> = {
  rttsMs: 'RTTs',
  lossRatio: 'loss',
  lossRatios: 'losses',
  reorderRatio: 'reordered',
  duplicateRatio: 'duplicated',
  corruptRatio: 'corrupted',
  rates: 'messages',
  pingRate: 'pings',
  transferEveryS: 'transfer every',
  insecure: 'any certificate',
  repeat: 'repetitions',
};
const CAPITALS: Readonly<Record<string, string>> = {
  aqm: 'AQM',
  codel: 'CoDel',
  fec: 'FEC',
  id: 'id',
  os: 'OS',
  rtt: 'RTT',
  tcp: 'TCP',
  tls: 'TLS',
};

const worded = (name: string): string =>
  NAMES[name] ??
  (name.replace(UNIT_ENDING, '') || name)
    .split(/(?<=[a-z0-9])(?=[A-Z])|_/)
    .map((word) => CAPITALS[word.toLowerCase()] ?? word.toLowerCase())
    .join(' ');

/** Within these everything has a name of its own. */
const HOLDERS = new Set(['emulation', 'target']);

/** `target.emulation.up.delayMs` is “Delay up”. Parameters of a controller keep the names of its table. */
export function parameterTitle(path: string): string {
  const parts = path.split('.');
  const own = parts.pop()!;
  if (parts.at(-1) === 'parameters') return own;
  const isWay = (part: string): boolean => part === 'up' || part === 'down';
  const within = parts.filter((part) => !HOLDERS.has(part) && !isWay(part));
  const title =
    own === 'kind' && parts.length > 0 ? parts.at(-1)! : [...within.map(worded), worded(own)].join(' ');
  const text = [title, ...parts.filter(isWay)].join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** More of a list than this helps nobody. */
const MOST_LISTED = 16;

/** The value in the unit that the end of its path tells. */
export function parameterText(path: string, value: unknown): string {
  const name = path.split('.').findLast((part) => !/^\d+$/.test(part)) ?? '';
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return (UNITS.find(([ending]) => ending.test(name))?.[1] ?? plain)(value);
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  if (value.length > MOST_LISTED || value.some((each) => typeof each === 'object'))
    return `${value.length} ${value.length === 1 ? 'step' : 'steps'}`;
  return value.map((each) => parameterText(path, each)).join(', ');
}

/** As the manifest has it, to every digit. */
export const exactly = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 1000);
