/** `routelab bench fec`: encoding and recovering with Reed–Solomon, against one pass of XOR over the same bytes in the same turn. */
import { coefficient, recover } from '../../probe/fec/code.ts';
import { addProduct, symbolOf } from '../../probe/fec/gf256.ts';
import { progress } from '../output.ts';
import { against, figure, median, type Row, ratioOf } from './rows.ts';

const K = 10;
const R = 2;
const PACKET_BYTES = 1200;
/** Of source, in each measurement. */
const FULL_BYTES = 96e6;
const QUICK_BYTES = 6e6;
const REACH_MB_S = { min: 100 };

export function benchFec({ repeat, quick }: { repeat: number; quick: boolean }): Row[] {
  const source = Array.from({ length: K }, (_, i) => symbolOf(PACKET_BYTES).fill(37 * i + 1));
  const groups = Math.round((quick ? QUICK_BYTES : FULL_BYTES) / (K * PACKET_BYTES));
  const encode = (): Uint8Array[] =>
    Array.from({ length: R }, (_, j) => {
      const repair = symbolOf(PACKET_BYTES);
      for (const [i, symbol] of source.entries()) addProduct(repair, symbol, coefficient('rs', R, j, i));
      return repair;
    });
  const repair = encode();
  const works = {
    encode: () => void encode(),
    recover: () => {
      const some = source.map((symbol, i) => (i === 2 || i === 7 ? null : symbol));
      if (recover('rs', { source: some, repair }, PACKET_BYTES).size !== R) throw new Error('not recovered');
    },
    floor: () => {
      const parity = symbolOf(PACKET_BYTES);
      for (const symbol of source) addProduct(parity, symbol, 1);
    },
  };
  const rates = { encode: [] as number[], recover: [] as number[], floor: [] as number[] };
  const bar = progress('fec', repeat);
  // Once before it counts: the compiler.
  for (let turn = -1; turn < repeat; turn++) {
    for (const [name, work] of Object.entries(works) as [keyof typeof works, () => void][]) {
      const beganMs = performance.now();
      for (let group = 0; group < groups; group++) work();
      const mbPerS = (groups * K * PACKET_BYTES) / 1000 / (performance.now() - beganMs);
      if (turn >= 0) rates[name].push(mbPerS);
    }
    bar.update(turn + 1, '');
  }
  bar.stop();
  const of = `of source, RS(${K}, ${R}), ${PACKET_BYTES} B`;
  const row = (label: string, name: 'encode' | 'recover'): Row[] => [
    figure(`${label} ${of}`, median(rates[name]), 'MB/s', REACH_MB_S),
    against(
      `  against the floor`,
      median(rates[name]),
      'MB/s',
      'one XOR pass',
      ratioOf(rates[name], rates.floor),
    ),
  ];
  return [
    ...row('encode', 'encode'),
    ...row('recover two lost', 'recover'),
    figure('floor: one XOR pass', median(rates.floor), 'MB/s'),
  ];
}
