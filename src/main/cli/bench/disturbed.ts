/** Transfers in real time that other work on the machine may disturb: made again, and judged by the median where all were. */
import { median, type Row } from './rows.ts';

/** A transfer is disturbed where one of its processes stood still for longer: acknowledgements come in lumps then. */
const STALL_MS = 10;
/** Of a disturbed transfer that misses its reach. */
const ATTEMPTS = 3;

export interface Transfer {
  /** Of the link's rate, what the packets have whose payload arrived. */
  share: number;
  rttMs: number;
  /** Longest that any process on the way stood still. */
  stalledMs: number;
}

/**
 * Rows of the first transfer that was not disturbed or meets its reach all the same; else of the median of all of them, with
 * the disturbance said beside the peer. Either is judged: a busy machine does not make a row pass.
 */
export async function judged(
  run: () => Promise<Transfer>,
  rowsOf: (transfer: Pick<Transfer, 'share' | 'rttMs'>) => Row[],
): Promise<Row[]> {
  const turns: Transfer[] = [];
  while (turns.length < ATTEMPTS) {
    const turn = await run();
    const rows = rowsOf(turn);
    if (turn.stalledMs <= STALL_MS || rows.every(({ ok }) => ok)) return rows;
    turns.push(turn);
  }
  const medianOf = (name: keyof Transfer): number => median(turns.map((turn) => turn[name]));
  const why = `median of ${ATTEMPTS}, all disturbed: stood still for ${medianOf('stalledMs').toFixed(0)} ms`;
  return rowsOf({ share: medianOf('share'), rttMs: medianOf('rttMs') }).map((row) => ({
    ...row,
    note: `${row.peer}, ${why}`,
  }));
}
