/** Packets through a link in virtual time. */
import { type DropReason, Link, type LinkOptions } from '../../src/main/path/link.ts';
import { Rng } from '../../src/main/path/rng.ts';
import type { LinkSettings } from '../../src/shared/domain.ts';

export const CLEAR: LinkSettings = {
  rateBps: null,
  delayMs: 0,
  jitterMs: 0,
  lossRatio: 0,
  bufferBytes: null,
};

export const link = (settings: Partial<LinkSettings>, seed = 1, options: LinkOptions<number> = {}) =>
  new Link<number>({ ...CLEAR, ...settings }, Rng.fromSeed(seed), options);

/** Takes out all that is under way, each at its moment: items and when they arrived. */
export function drain(l: Link<number>, untilUs = Number.MAX_VALUE): { item: number; atUs: number }[] {
  const arrived: { item: number; atUs: number }[] = [];
  while (l.deadlineUs <= untilUs) {
    const atUs = l.deadlineUs;
    for (let item = l.receive(atUs); item !== undefined; item = l.receive(atUs)) arrived.push({ item, atUs });
  }
  return arrived;
}

/** Offers packets of `bytes` at `atUs` and tells of each when it arrived or why it was dropped. */
export function play(l: Link<number>, packets: readonly { bytes: number; atUs: number }[]) {
  const fates: (number | DropReason | undefined)[] = packets.map(
    ({ bytes, atUs }, i) => l.send(i, bytes, atUs) ?? undefined,
  );
  for (const { item, atUs } of drain(l)) fates[item] = atUs;
  return fates;
}

/** What becomes of one packet, offered to a link with nothing under way. */
export const fateOf = (l: Link<number>, bytes: number, atUs: number) => play(l, [{ bytes, atUs }])[0];

/** As many packets of one size at one moment. */
export const burst = (count: number, bytes: number, atUs = 0) =>
  Array.from({ length: count }, () => ({ bytes, atUs }));
