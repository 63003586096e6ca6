import { Button, FileButton } from '@mantine/core';
import { useRef, useState } from 'react';
import { withoutTraced } from '../../../shared/link-settings.ts';
import { errorAdvice, errorBody } from '../../lab/errors.ts';
import { errorsUnder } from '../issues.ts';
import type { Direction, LinkChange, LinkFields } from './fields.ts';
import classes from './PathPicker.module.css';
import { describeTrace, readTrace } from './trace-file.ts';

interface Props {
  direction: Direction;
  link: LinkFields;
  change: (patch: LinkChange) => void;
  /** Of the link, by the paths of its fields. */
  errors: Readonly<Record<string, string>>;
}

/** A recorded path in place of a rate: from a file, in words, and away again. */
export function TraceField({ direction, link: { trace }, change, errors }: Props) {
  const [failure, setFailure] = useState<string | null>(null);
  const reset = useRef<() => void>(null);
  const load = async (file: File): Promise<void> => {
    setFailure(null);
    try {
      const read = await readTrace(file);
      const replaced = withoutTraced(read);
      change({
        ...replaced,
        trace: read,
        rateSchedule: undefined,
        ...('lossRatio' in replaced && { loss: undefined }),
      });
    } catch (thrown) {
      setFailure(errorAdvice(errorBody(thrown)));
    }
    reset.current?.();
  };
  const fault = failure ?? Object.values(errorsUnder('trace', errors))[0];
  return (
    <fieldset className={classes.schedule} aria-label={`Trace ${direction}`}>
      {trace && (
        <p className={classes.note} data-testid={`trace-${direction}`}>
          Replays a trace: {describeTrace(trace)}.
        </p>
      )}
      <FileButton
        onChange={(file) => file && load(file)}
        accept=".csv,.tsv,.txt,.log,.up,.down,.trace"
        resetRef={reset}
        inputProps={
          { 'aria-label': `Trace file ${direction}`, 'data-testid': `trace-file-${direction}` } as never
        }
      >
        {({ onClick }) => (
          <Button title="CSV of time, rate, delay and loss, or Mahimahi’s milliseconds" onClick={onClick}>
            {trace ? 'Another trace' : 'Replay a trace'}
          </Button>
        )}
      </FileButton>
      {trace && <Button onClick={() => change({ trace: undefined })}>Remove the trace</Button>}
      {fault && (
        <p className={classes.fault} role="alert">
          {fault}
        </p>
      )}
    </fieldset>
  );
}
