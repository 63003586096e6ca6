import type { ReactNode } from 'react';
import classes from './NumberTable.module.css';

/** Where a chart's numbers stand: it scrolls by itself, by the keyboard too. */
export const Numbers = ({
  label,
  testId,
  children,
}: {
  label: string;
  testId: string;
  children: ReactNode;
}) => (
  <section
    className={classes.scroll}
    aria-label={label}
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard.
    tabIndex={0}
    data-testid={testId}
  >
    {children}
  </section>
);

/** The row of headings. */
export const Heads = ({ headers }: { headers: readonly string[] }) => (
  <thead>
    <tr>
      {headers.map((header) => (
        <th key={header} scope="col">
          {header}
        </th>
      ))}
    </tr>
  </thead>
);

interface Props {
  caption?: ReactNode;
  headers: readonly string[];
  /** Rows, each with a heading of its own. */
  children: ReactNode;
}

/** Rows of numbers under headings that stay in sight. */
export const NumberTable = ({ caption, headers, children }: Props) => (
  <table className={classes.table}>
    {caption && <caption>{caption}</caption>}
    <Heads headers={headers} />
    <tbody>{children}</tbody>
  </table>
);
