/** One parser under fuzzing. */
export interface FuzzTarget {
  readonly name: string;
  /** Well-formed inputs that mutations start from. */
  readonly seeds: readonly Buffer[];
  /** Inputs that the test suite tries; 3000 unless given. */
  readonly inputs?: number;
  /** Throws only when there is a defect: an error other than the parser's own, or a broken promise. */
  readonly run: (data: Buffer) => void | Promise<void>;
}
