/** What arrived of a flow that goes on for long, by the reports of its receiver: only those that are still asked for are kept. Sans-IO. */
import { bytesBy, type FlowPoints } from './fairness.ts';

export class ReportedBytes {
  #points: FlowPoints;

  /** Nothing had arrived by `atMs`. */
  constructor(atMs: number) {
    this.#points = [[atMs, 0]];
  }

  /** In all, by `atMs`; both only grow. */
  add(atMs: number, bytes: number): void {
    this.#points.push([atMs, bytes]);
  }

  /** When the newest report came. */
  get knownThroughMs(): number {
    return this.#points.at(-1)![0];
  }

  /** Reports kept. */
  get held(): number {
    return this.#points.length;
  }

  /** Linear between reports; after the newest nothing is known to have arrived. */
  by(atMs: number): number {
    const [oldest, newest] = [this.#points[0]!, this.#points.at(-1)!];
    if (atMs >= newest[0]) return newest[1];
    return atMs <= oldest[0] ? oldest[1] : bytesBy(this.#points, atMs)!;
  }

  /** Nobody asks for what was before `atMs`. */
  forget(atMs: number): void {
    const after = this.#points.findIndex(([pointMs]) => pointMs > atMs);
    // The one before it is what lies between them.
    const keep = after < 0 ? this.#points.length - 1 : after - 1;
    if (keep > 0) this.#points = this.#points.slice(keep);
  }
}
