import type { Route } from '../../../shared/domain.ts';
import classes from './RouteName.module.css';

/** The hue of a route, the same on every page. There are eight; names tell further routes apart. */
export const hueOf = (route: Pick<Route, 'colour'>): string => `var(--route-${route.colour % 8})`;

/** Marks on a route whose numbers are not those of an ordinary real path. */
export function RouteBadges({ emulated, insecure }: { emulated: boolean; insecure: boolean }) {
  return (
    <>
      {emulated && (
        <span className={classes.emulated} title="Measured on an emulated path, not on a real network">
          emulated
        </span>
      )}
      {insecure && (
        <span className={classes.insecure} title="The server’s certificate is not checked">
          insecure
        </span>
      )}
    </>
  );
}
