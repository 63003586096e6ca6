/** The page's colours for a canvas, which cannot read them by itself. */

export interface ChartColours {
  ink: string;
  dim: string;
  paper: string;
  line: string;
  grid: string;
  fault: string;
}

export function readColours(): ChartColours {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: read('--ink'),
    dim: read('--dim'),
    paper: read('--paper'),
    line: read('--line'),
    grid: read('--grid'),
    fault: read('--fault'),
  };
}

/** The colour of a route by its index, as the canvas needs it. */
export const routeColour = (colour: number): string =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(`--route-${colour % 8}`)
    .trim();

/** `#rrggbb` with an opacity. */
export const withAlpha = (hex: string, alpha: number): string =>
  `${hex}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, '0')}`;
