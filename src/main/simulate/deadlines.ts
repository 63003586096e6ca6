/** Who is next: a winner tree over as many deadlines as there are parties. Of equal ones the lowest index wins. */
export class Deadlines {
  readonly #atUs: Float64Array;
  /** Winners: the parents of nodes 2i and 2i + 1 are i; node 1 is the root. */
  readonly #winner: Int32Array;
  readonly #leaves: number;

  /** All at Infinity. */
  constructor(count: number) {
    let leaves = 2;
    while (leaves < count) leaves *= 2;
    this.#leaves = leaves;
    this.#atUs = new Float64Array(leaves).fill(Number.POSITIVE_INFINITY);
    this.#winner = new Int32Array(2 * leaves);
    for (let i = 0; i < leaves; i++) this.#winner[leaves + i] = i;
    for (let node = leaves - 1; node > 0; node--) this.#winner[node] = this.#winner[2 * node]!;
  }

  /** The party whose deadline comes first. */
  get first(): number {
    return this.#winner[1]!;
  }

  get firstAtUs(): number {
    return this.#atUs[this.#winner[1]!]!;
  }

  set(index: number, atUs: number): void {
    const times = this.#atUs;
    if (times[index] === atUs) return;
    times[index] = atUs;
    const winner = this.#winner;
    for (let node = (this.#leaves + index) >> 1; node > 0; node >>= 1) {
      const left = winner[2 * node]!;
      const right = winner[2 * node + 1]!;
      const first = times[right]! < times[left]! ? right : left;
      // Another still wins here, and so further up.
      if (winner[node] === first && first !== index) return;
      winner[node] = first;
    }
  }
}
