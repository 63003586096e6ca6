/**
 * Counters of something that may begin again at zero — a probe that was restarted, a connection made anew, a worker that
 * crashed — as totals that only ever grow.
 */
export class Growing<K extends string> {
  readonly #names: readonly K[];
  #totals: Record<K, number> | null = null;
  #newest: Readonly<Record<K, number>> | null = null;
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
   * of them began anew within it. To be told in the order in which they were counted.
   */
  add(values: Readonly<Record<K, number>>, epoch: unknown): void {
    if (epoch !== this.#epoch) this.#newest = null;
    this.#epoch = epoch;
    const last = this.#newest;
    const goesOn = last !== null && this.#names.every((name) => values[name] >= last[name]);
    const totals =
      this.#totals ?? (Object.fromEntries(this.#names.map((name) => [name, 0])) as Record<K, number>);
    for (const name of this.#names) totals[name] += values[name] - (goesOn ? last[name] : 0);
    this.#totals = totals;
    this.#newest = values;
  }
}
