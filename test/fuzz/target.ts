/** One parser under fuzzing. */
export interface FuzzTarget {
  readonly name: string;
  /** Well-formed inputs that mutations start from. */
  readonly seeds: readonly Buffer[];
  /** Throws only when there is a defect: an error other than the parser's own, or a broken promise. */
  readonly run: (data: Buffer) => void;
}
