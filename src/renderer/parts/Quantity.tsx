import { Tooltip, VisuallyHidden } from '@mantine/core';
import classes from './Quantity.module.css';

interface Props {
  /** The raw number, in the unit of the domain; null where nothing was measured. */
  value: number | null;
  /** The number as people read it, unit after the last space: from `shared/units.ts`. */
  text: string;
  /** Why there is no value. */
  absent: string;
  testId?: string;
}

/** A measured number, its unit in a lighter tone; or a dash that says why there is none. */
export function Quantity({ value, text, absent, testId }: Props) {
  if (value === null) {
    return (
      <Tooltip label={absent}>
        <span className={classes.absent} data-testid={testId} data-value="">
          <span aria-hidden>–</span>
          <VisuallyHidden>{absent}</VisuallyHidden>
        </span>
      </Tooltip>
    );
  }
  const unitAt = text.includes(' ') ? text.lastIndexOf(' ') : text.length;
  return (
    <span data-testid={testId} data-value={value} className={classes.quantity}>
      {text.slice(0, unitAt)}
      <span className={classes.unit}>{text.slice(unitAt)}</span>
    </span>
  );
}
