import { Button, CloseButton } from '@mantine/core';
import { useRef } from 'react';
import { errorsUnder } from '../issues.ts';
import { ScaledNumber } from '../ScaledNumber.tsx';
import type { Direction, LinkChange, LinkFields, ScheduleFields } from './fields.ts';
import classes from './PathPicker.module.css';

interface Props {
  direction: Direction;
  link: LinkFields;
  change: (patch: LinkChange) => void;
  /** Of the link, by the paths of its fields. */
  errors: Readonly<Record<string, string>>;
}

/** Of longer ones every row would be a pair of fields nobody looks through. */
const MOST_EDITED = 50;
const FIRST_RATE_BPS = 10e6;
const STEP_S = 10;

/** The rate from a second on, row by row. */
export function RateSchedule({ direction, link, change, errors: all }: Props) {
  const rows = useRef<HTMLFieldSetElement>(null);
  const steps = link.rateSchedule ?? [];
  const errors = errorsUnder('rateSchedule', all);
  /** The field for the second of a row, once it is there; else the button that adds one. */
  const focus = (row: number): void =>
    void requestAnimationFrame(() => {
      const fields = rows.current?.querySelectorAll<HTMLElement>('[data-second]') ?? [];
      (fields[row] ?? (rows.current?.querySelector('button[data-add]') as HTMLElement | null))?.focus();
    });
  const set = (schedule: ScheduleFields): void =>
    change({ rateSchedule: schedule.length > 0 ? schedule : undefined });
  const add = (): void => {
    const [second, bps] = steps.at(-1) ?? [0, link.rateBps ?? FIRST_RATE_BPS];
    change({
      // A schedule needs a rate to begin with.
      rateBps: link.rateBps ?? FIRST_RATE_BPS,
      rateSchedule: [...steps, [second === '' ? '' : second + STEP_S, bps]],
    });
    focus(steps.length);
  };
  const put = (row: number, step: ScheduleFields[number]): void => set(steps.with(row, step));
  const isLong = steps.length > MOST_EDITED;
  return (
    <fieldset ref={rows} className={classes.schedule} aria-label={`Rate schedule ${direction}`}>
      {steps.length > 0 && !isLong && (
        <div className={classes.step} data-head aria-hidden>
          <span>From s</span>
          <span>Mbit/s</span>
        </div>
      )}
      {isLong && (
        <p className={classes.note}>The rate changes {steps.length} times: too often to be edited here.</p>
      )}
      {!isLong &&
        steps.map(([second, bps], row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place.
          <div key={row} className={classes.step}>
            <ScaledNumber
              aria-label={`Step ${row + 1} ${direction}: from second`}
              data-second
              unit=""
              value={second}
              error={errors[`${row}.0`]}
              onChange={(value) => put(row, [value ?? '', bps])}
            />
            <ScaledNumber
              aria-label={`Step ${row + 1} ${direction}: rate in Mbit/s`}
              unit=""
              scale={1e6}
              value={bps}
              error={errors[`${row}.1`]}
              onChange={(value) => put(row, [second, value ?? ''])}
            />
            <CloseButton
              size="xs"
              aria-label={`Remove step ${row + 1} ${direction}`}
              onClick={() => {
                set(steps.toSpliced(row, 1));
                focus(row);
              }}
            />
          </div>
        ))}
      {errors[''] && <p className={classes.fault}>{errors['']}</p>}
      <Button data-add onClick={isLong ? () => set([]) : add}>
        {isLong ? 'Remove the schedule' : steps.length > 0 ? 'Add a step' : 'Change it over time'}
      </Button>
    </fieldset>
  );
}
