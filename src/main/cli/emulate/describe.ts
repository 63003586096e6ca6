/** Emulated paths in words, and as fields of `--json`. */
import type { Emulation, LinkSettings } from '../../../shared/domain.ts';
import { meanRateBps, periodSOf } from '../../../shared/link-rates.ts';
import type { LinkTrace } from '../../../shared/link-settings.ts';
import { formatBytes } from '../../../shared/units.ts';

const exact = (value: number): string => String(Number(value.toPrecision(4)));
const mbps = (bps: number): string => `${exact(bps / 1e6)} Mbit/s`;
const percent = (ratio: number): string => `${exact(ratio * 100)} %`;

/** A path in one line. */
export function describePath({ profile, up, down, flap }: Emulation): string {
  const name = profile === 'custom' ? '' : `${profile}, `;
  const ways =
    JSON.stringify(up) === JSON.stringify(down)
      ? `each way ${describeLink(up)}`
      : `up ${describeLink(up)}; down ${describeLink(down)}`;
  const cut = flap === null ? '' : `, cut for ${flap.downMs / 1e3} s in every ${flap.periodMs / 1e3} s`;
  return `${name}${ways}${cut}`;
}

function describeLink(link: LinkSettings): string {
  const { trace, rateSchedule = [], reorderRatio = 0, duplicateRatio = 0, corruptRatio = 0 } = link;
  return [
    trace === undefined
      ? link.rateBps === null
        ? 'unlimited rate'
        : [mbps(link.rateBps), ...rateSchedule.map(([second, bps]) => `${mbps(bps)} from ${second} s`)].join(
            ', ',
          )
      : describeTrace(trace),
    `${trace?.kind === 'series' && trace.steps[0]![2] !== null ? 'its delays' : `${exact(link.delayMs)} ms`}${
      link.jitterMs === 0 ? '' : ` ± ${exact(link.jitterMs)} ms`
    }`,
    describeLoss(link),
    ...(reorderRatio > 0 ? [`${percent(reorderRatio)} reordered`] : []),
    ...(duplicateRatio > 0 ? [`${percent(duplicateRatio)} duplicated`] : []),
    ...(corruptRatio > 0 ? [`${percent(corruptRatio)} corrupted`] : []),
    ...(link.bufferBytes === null ? [] : [`buffer ${formatBytes(link.bufferBytes)}`]),
    ...(link.bufferBdp === undefined ? [] : [`buffer ${exact(link.bufferBdp)} BDP`]),
    ...(link.aqm === 'codel' ? ['CoDel'] : []),
  ].join(', ');
}

function describeLoss({ loss, lossRatio, trace }: LinkSettings): string {
  if (loss?.model === 'every_nth') return `each ${loss.n}th lost`;
  if (loss?.model === 'gilbert') {
    const { p, r, h, k } = loss;
    return `bursts of loss (p ${percent(p)}, r ${percent(r)}, h ${percent(h)}, k ${percent(k)})`;
  }
  return trace?.kind === 'series' && trace.steps[0]![3] !== null
    ? 'its losses'
    : `${percent(lossRatio)} loss`;
}

const describeTrace = (trace: LinkTrace): string =>
  `a trace of ${exact(periodSOf(trace))} s, ${mbps(meanRateBps(trace))} on average`;

/** The settings of one direction; those that do nothing are left out but for the first five. */
export function linkFields(link: LinkSettings): object {
  const { trace } = link;
  const given = (name: string, value: unknown): object => (value === undefined ? {} : { [name]: value });
  return {
    rate_bps: link.rateBps,
    delay_ms: link.delayMs,
    jitter_ms: link.jitterMs,
    loss_ratio: link.lossRatio,
    buffer_bytes: link.bufferBytes,
    ...given('rate_schedule', link.rateSchedule),
    ...given('trace', trace && { kind: trace.kind, mean_rate_bps: meanRateBps(trace) }),
    ...given('loss', link.loss),
    ...given('reorder_ratio', link.reorderRatio),
    ...given('reorder_ms', link.reorderMs),
    ...given('duplicate_ratio', link.duplicateRatio),
    ...given('corrupt_ratio', link.corruptRatio),
    ...given('buffer_bdp', link.bufferBdp),
    ...given('aqm', link.aqm),
    ...given('codel_target_ms', link.codelTargetMs),
    ...given('codel_interval_ms', link.codelIntervalMs),
  };
}
