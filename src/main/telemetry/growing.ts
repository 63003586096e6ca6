/**
 * Counters of something that may begin again at zero — a probe that was restarted, a connection made anew, a worker that
 * crashed — as totals that only ever grow.
 */
export class Growing<K extends string> {
  readonly #names: readonly K[];
  #totals: Record<K, number> | null = null;
  #newest: { values: Readonly<Record<K, number>>; atMs: number } | null = null;
  #epoch: unknown = null;

  constructor(names: readonly K[]) {
    this.#names = names;
  }

  /** Null until something was counted. */
  get totals(): Readonly<Record<K, number>> | null {
    return this.#totals;
  }

  /**
   * Adds the growth of `values`, which were counted from zero since `epoch` began (a run's id, a session). Where one fell all
   * of them began anew within it. What is older than the newest is left out.
   */
  add(values: Readonly<Record<K, number>>, epoch: unknown, atMs: number): void {
    if (epoch !== this.#epoch) this.#newest = null;
    this.#epoch = epoch;
    const last = this.#newest;
    if (last !== null && atMs < last.atMs) return;
    const goesOn = last !== null && this.#names.every((name) => values[name] >= last.values[name]);
    const totals =
      this.#totals ?? (Object.fromEntries(this.#names.map((name) => [name, 0])) as Record<K, number>);
    for (const name of this.#names) totals[name] += values[name] - (goesOn ? last.values[name] : 0);
    this.#totals = totals;
    this.#newest = { values, atMs };
  }
}
