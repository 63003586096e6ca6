import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useState } from 'react';
import { numberIn } from './number-in.ts';
import classes from './ScaledNumber.module.css';
import { shortened } from './shortened.ts';

interface Props extends Omit<NumberInputProps, 'value' | 'defaultValue' | 'onChange'> {
  value?: number | '' | null;
  /** From the shown unit to the domain's: 1e6 shows bits per second as Mbit/s. */
  scale?: number;
  unit: string;
  onChange?: (value: number | '' | null) => void;
  /** Empty stands for null instead of being at fault. */
  nullable?: boolean;
}

/** A number field that shows the unit people use and keeps the one the domain uses. */
export function ScaledNumber({ value, scale = 1, unit, onChange, nullable = false, ...rest }: Props) {
  // What somebody types stays as it is typed, `1.` on the way to `1.5` too.
  const [typed, setTyped] = useState<{ text: number | string; exact: number | null } | null>(null);
  const exact = typeof value === 'number' ? Number((value / scale).toPrecision(12)) : '';
  return (
    <NumberInput
      {...rest}
      value={typed && exact === typed.exact ? typed.text : exact === '' ? '' : shortened(exact)}
      onChange={(next) => {
        const number = numberIn(next);
        setTyped({ text: next, exact: number });
        onChange?.(number === null ? (nullable ? null : '') : Number((number * scale).toPrecision(12)));
      }}
      hideControls
      rightSection={
        <span aria-hidden className={classes.unit}>
          {unit}
        </span>
      }
      rightSectionWidth={unit.length * 7 + 14}
      aria-label={rest['aria-label'] ?? [rest.label, unit].filter(Boolean).join(' in ')}
    />
  );
}
