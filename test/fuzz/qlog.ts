import { qlogFrames } from '../../src/main/quic/qlog/frames.ts';
import { frames } from './frames.ts';
import type { FuzzTarget } from './target.ts';

/** Logs a packet's payload, whatever it holds: the record reads back as it was. */
function run(data: Buffer): void {
  for (const exponent of [0, 20]) {
    const logged = qlogFrames(data, exponent);
    const text = JSON.stringify(logged);
    if (JSON.stringify(JSON.parse(text)) !== text || text.includes('\x1e')) throw new Error(text);
    if (logged.length > data.length) throw new Error('more frames than bytes');
  }
}

export const qlog: FuzzTarget = { name: 'qlog', seeds: frames.seeds, run };
