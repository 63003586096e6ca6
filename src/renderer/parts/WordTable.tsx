import type { ReactNode } from 'react';
import { Heads } from './NumberTable.tsx';
import classes from './WordTable.module.css';

interface Props {
  headers: readonly string[];
  testId?: string;
  /** Rows, each with a heading of its own. `data-numeric` cells hold numbers, `data-words` those that may be long. */
  children: ReactNode;
}

/** Rows of words under headings that stay in sight. */
export const WordTable = ({ headers, testId, children }: Props) => (
  <table className={classes.table} data-testid={testId}>
    <Heads headers={headers} />
    <tbody>{children}</tbody>
  </table>
);
