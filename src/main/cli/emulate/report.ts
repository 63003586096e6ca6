/** What `emulate` tells of the packets it carried: while it runs, at its end, and as fields of `--json`. */
import { formatBytes, formatPercent, formatRate } from '../../../shared/units.ts';
import type { DirectionCounters, Relay, RelayCounters } from '../../path/relay/relay.ts';
import { nowUs } from '../../quic/udp/clock.ts';
import { table } from '../output.ts';

const LIVE_MS = { terminal: 250, log: 10_000 } as const;

/** Each reason a packet does not arrive for: its counter, its field of `--json`, a word, and a heading. */
const DROPS = [
  ['lost', 'lost', 'lost', 'lost'],
  ['queueDrops', 'queue_drops', 'queue', 'queue full'],
  ['aqmDrops', 'aqm_drops', 'CoDel', 'dropped by CoDel'],
  ['outageDrops', 'outage_drops', 'cut', 'path cut'],
  ['overloadDrops', 'overload_drops', 'overload', 'relay overloaded'],
] as const satisfies [keyof DirectionCounters, string, string, string][];

/** What else happens to packets. */
const OTHERS = [
  ['duplicated', 'duplicated', 'duplicated'],
  ['corrupted', 'corrupted', 'corrupted'],
  ['reordered', 'reordered', 'taken out of order'],
  ['tooLarge', 'too_large', 'larger than the MTU'],
] as const satisfies [keyof DirectionCounters, string, string][];

/** Of the packets that the path has room for: larger ones, such as probes of its MTU, are told apart. */
function dropRatio(way: DirectionCounters): number | null {
  const fitting = way.packetsIn - way.tooLarge + way.duplicated;
  if (fitting === 0) return null;
  return DROPS.reduce((sum, [counter]) => sum + way[counter], 0) / fitting;
}

/** Counters as they grow, a line for each direction: rewritten in place on a terminal, now and then elsewhere. */
export function showLive(relay: Relay): { stop: () => void } {
  const { stderr } = process;
  let shown = '';
  let before = relay.counters();
  let beforeUs = nowUs();
  const show = (): void => {
    const counters = relay.counters();
    const now = nowUs();
    const line = (name: 'up' | 'down'): string => {
      const way = counters[name];
      const rateBps = ((way.deliveredBytes - before[name].deliveredBytes) * 8e6) / (now - beforeUs);
      const told = [...DROPS.map(([counter, , word]) => [counter, word] as const), ...OTHERS]
        .filter(([counter]) => way[counter] > 0)
        .map(([counter, word]) => `${word.replace('_', ' ')} ${way[counter]}`);
      return (
        `${name.padEnd(4)} ${String(way.packetsIn).padStart(9)} packets` +
        ` ${formatPercent(dropRatio(way)).padStart(7)} dropped ${formatRate(rateBps).padStart(13)}` +
        (told.length === 0 ? '' : `  ${told.join(', ')}`)
      );
    };
    const lines = `${line('up')}\n${line('down')}`;
    before = counters;
    beforeUs = now;
    if (lines === shown) return;
    shown = lines;
    // Back to the start of the first of the two lines, ready to be overwritten.
    stderr.write(stderr.isTTY ? `${lines.replace('\n', '\x1b[K\n')}\x1b[K\x1b[1A\r` : `${lines}\n`);
  };
  const timer = setInterval(show, stderr.isTTY ? LIVE_MS.terminal : LIVE_MS.log);
  return {
    stop: () => {
      clearInterval(timer);
      if (stderr.isTTY) stderr.write('\r\x1b[J');
    },
  };
}

export const counterFields = (way: DirectionCounters): object => ({
  packets: way.packetsIn,
  delivered: way.delivered,
  delivered_bytes: way.deliveredBytes,
  ...Object.fromEntries([...DROPS, ...OTHERS].map(([counter, field]) => [field, way[counter]])),
});

export function summaryTable({ up, down, refused, socketErrors }: RelayCounters, seconds: number): string {
  const count = (counter: keyof DirectionCounters) => (way: DirectionCounters) => String(way[counter]);
  const rows: [string, (way: DirectionCounters) => string][] = [
    ['packets', count('packetsIn')],
    ['delivered', count('delivered')],
    ...DROPS.map(([counter, , , heading]): (typeof rows)[number] => [heading, count(counter)]),
    ...OTHERS.map(([counter, , heading]): (typeof rows)[number] => [heading, count(counter)]),
    ['dropped', (way) => formatPercent(dropRatio(way), 2)],
    ['payload', (way) => formatBytes(way.deliveredBytes)],
    ['mean rate', (way) => formatRate((way.deliveredBytes * 8) / seconds)],
  ];
  const directions = table(
    [['', 'up', 'down'], ...rows.map(([name, of]) => [name, of(up), of(down)])],
    ['left', 'right', 'right'],
  );
  const trouble = [
    ...(refused > 0 ? [`${refused} packets of clients beyond the relay’s bound were dropped`] : []),
    ...(socketErrors > 0 ? [`${socketErrors} socket errors: does anything listen at the target?`] : []),
  ];
  return [directions, ...trouble, `${seconds.toFixed(1)} s`].join('\n');
}
