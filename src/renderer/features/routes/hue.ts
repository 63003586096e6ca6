import type { Route } from '../../../shared/domain.ts';

/** The hue of a route, the same on every page. There are eight; names tell further routes apart. */
export const hueOf = (route: Pick<Route, 'colour'>): string => `var(--route-${route.colour % 8})`;
