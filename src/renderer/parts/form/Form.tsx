/** What the forms of the pages are made of. */
import type { ReactNode } from 'react';
import classes from './Form.module.css';

/** Fields that belong together. */
export const Group = ({ legend, children }: { legend: string; children: ReactNode }) => (
  <fieldset className={classes.group}>
    <legend>{legend}</legend>
    {children}
  </fieldset>
);

/** Two fields side by side. */
export const Pair = ({ children }: { children: ReactNode }) => <div className={classes.pair}>{children}</div>;

/** Why something did not go, where no field is at fault. */
export const Failure = ({ children }: { children: ReactNode }) => (
  <p className={classes.failure} role="alert">
    {children}
  </p>
);
