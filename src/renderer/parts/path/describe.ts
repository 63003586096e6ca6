/** An emulated path in numbers: as a row among the profiles, and each direction by itself. */
import type { Emulation } from '../../../shared/domain.ts';
import { traceHas } from '../../../shared/link-settings.ts';
import { formatBytes, formatPercent, formatRate } from '../../../shared/units.ts';
import type { LinkFields } from './fields.ts';
import { describeTrace } from './trace-file.ts';

/** U+2007 and U+2008 are as wide as a digit and a point. */
const DIGIT_SPACE = '\u2007';
const POINT_SPACE = '\u2008';

/** A number of up to `digits` decimals whose point lines up with those above and below it. */
export function aligned(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const shown = digits > 0 ? text.replace(/\.?0+$/, '') : text;
  return shown + text.slice(shown.length).replace('.', POINT_SPACE).replaceAll('0', DIGIT_SPACE);
}

/** The number as somebody would write it: no more digits than it has. */
const plain = (value: number): string => String(Number(value.toPrecision(4)));
const percent = (ratio: number): string => `${plain(ratio * 100)} %`;

/** What a round trip over the path has: probabilities of either direction taken together. */
export function roundTripOf({ up, down }: Emulation) {
  const either = (a: number, b: number): number => 1 - (1 - a) * (1 - b);
  return {
    rttMs: up.delayMs + down.delayMs,
    jitterMs: up.jitterMs + down.jitterMs,
    lossRatio: either(up.lossRatio, down.lossRatio),
    duplicateRatio: either(up.duplicateRatio ?? 0, down.duplicateRatio ?? 0),
    upBps: up.rateBps,
    downBps: down.rateBps,
  };
}

/** Every setting of a direction that does something, and the basic ones in any case, in words. */
export function describeLink(link: LinkFields): { label: string; text: string }[] {
  const rows: { label: string; text: string }[] = [];
  const say = (label: string, text: string): number => rows.push({ label, text });
  const ms = (value: number | ''): string => (value === '' ? '–' : `${plain(value)} ms`);
  const { trace, rateSchedule, loss } = link;
  if (trace) say('Rate', `trace: ${describeTrace(trace)}`);
  else
    say(
      'Rate',
      link.rateBps === null ? 'unlimited' : link.rateBps === '' ? '–' : `${plain(link.rateBps / 1e6)} Mbit/s`,
    );
  if (rateSchedule)
    say('Rate schedule', `${rateSchedule.length} ${rateSchedule.length === 1 ? 'step' : 'steps'}`);
  say('Delay', traceHas(link, 2) ? 'of the trace' : ms(link.delayMs));
  say('Jitter ±', ms(link.jitterMs));
  if (traceHas(link, 3)) say('Loss', 'of the trace');
  else if (loss?.model === 'every_nth') say('Loss', `every ${loss.n}th packet`);
  else if (loss) say('Loss', `bursts: in ${percent(loss.p)}, out ${percent(loss.r)}`);
  else say('Loss', link.lossRatio === '' ? '–' : percent(link.lossRatio));
  if (link.reorderRatio) say('Reordered', percent(link.reorderRatio));
  if (link.duplicateRatio) say('Duplicated', percent(link.duplicateRatio));
  if (link.corruptRatio) say('Corrupted', percent(link.corruptRatio));
  if (typeof link.bufferBytes === 'number') say('Buffer', formatBytes(link.bufferBytes));
  else say('Buffer', link.bufferBdp ? `${plain(link.bufferBdp)} BDP` : 'automatic');
  if (link.aqm === 'codel') say('Queue', 'CoDel');
  return rows;
}

/** The row of a profile read out. */
export const spokenPath = (emulation: Emulation): string => {
  const { rttMs, jitterMs, lossRatio, duplicateRatio, downBps } = roundTripOf(emulation);
  return [
    `RTT ${plain(rttMs)} ms`,
    `jitter ${plain(jitterMs)} ms`,
    `loss ${formatPercent(lossRatio, 4)}`,
    `rate ${downBps === null ? 'unlimited' : formatRate(downBps, 1)}`,
    ...(duplicateRatio > 0 ? [`duplication ${percent(duplicateRatio)}`] : []),
  ].join(', ');
};
