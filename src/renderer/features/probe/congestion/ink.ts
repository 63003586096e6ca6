/** The colours of the congestion view, read from the tokens for a canvas. */
import { type ChartColours, readColours } from '../../../parts/tokens.ts';

export interface Ink extends ChartColours {
  /** One flow: a colour for each line of a panel. */
  lines: readonly string[];
  /** Two flows: a colour for each flow, its lines told apart by their dashes. */
  flows: readonly string[];
  phases: readonly string[];
}

/** Tokens in the order of a panel's lines, and in the order of flows. */
const LINE_TOKENS = ['--route-0', '--route-2'] as const;
export const FLOW_TOKENS = ['--route-0', '--route-6'] as const;
const PHASE_TONES = 7;

export function readInk(): Ink {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ...readColours(),
    lines: LINE_TOKENS.map(read),
    flows: FLOW_TOKENS.map(read),
    phases: Array.from({ length: PHASE_TONES }, (_, tone) => read(`--phase-${tone}`)),
  };
}

/** The token of a line's colour. */
export const tokenOf = (flow: number, line: number, flows: number): string =>
  flows > 1 ? FLOW_TOKENS[flow]! : LINE_TOKENS[line]!;
