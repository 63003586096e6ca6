import { Select, Switch } from '@mantine/core';
import { traceHas } from '../../../shared/link-settings.ts';
import { errorsUnder } from '../issues.ts';
import { ScaledNumber } from '../ScaledNumber.tsx';
import {
  CUSTOM,
  DIRECTIONS,
  type Direction,
  type EmulationFields,
  type LinkChange,
  type LinkFields,
  withLink,
} from './fields.ts';
import classes from './PathPicker.module.css';
import { RateSchedule } from './RateSchedule.tsx';
import { TraceField } from './TraceField.tsx';

interface Props {
  path: EmulationFields;
  onChange: (path: EmulationFields) => void;
  errors: Readonly<Record<string, string>>;
}

/** A number of a link: its key, words, unit, the unit's size, and what stands in it while it is empty and may be. */
interface NumberField {
  key: keyof LinkFields;
  label: string;
  unit: string;
  scale: number;
  empty?: string;
  /** Without it the field is left out of the settings, not null. */
  nullable?: true;
  shown?: (link: LinkFields) => boolean;
}

const RATE: readonly NumberField[] = [
  { key: 'rateBps', label: 'Rate', unit: 'Mbit/s', scale: 1e6, empty: 'unlimited', nullable: true },
];

const DELAYS: readonly NumberField[] = [
  { key: 'delayMs', label: 'Delay', unit: 'ms', scale: 1, shown: (link) => !traceHas(link, 2) },
  { key: 'jitterMs', label: 'Jitter ±', unit: 'ms', scale: 1 },
];

const LAST: readonly NumberField[] = [
  { key: 'reorderRatio', label: 'Reordered', unit: '%', scale: 0.01, empty: 'none' },
  {
    key: 'reorderMs',
    label: 'Held back by up to',
    unit: 'ms',
    scale: 1,
    empty: '¼ of the delay',
    shown: (link) => link.reorderRatio !== undefined && link.reorderRatio !== 0,
  },
  { key: 'duplicateRatio', label: 'Duplicated', unit: '%', scale: 0.01, empty: 'none' },
  { key: 'corruptRatio', label: 'Corrupted', unit: '%', scale: 0.01, empty: 'none' },
];

const CODEL: readonly NumberField[] = [
  { key: 'codelTargetMs', label: 'Target', unit: 'ms', scale: 1, empty: '5' },
  { key: 'codelIntervalMs', label: 'Interval', unit: 'ms', scale: 1, empty: '100' },
];

const LOSS_MODELS = [
  { value: 'independent', label: 'Independent' },
  { value: 'every_nth', label: 'Every n-th' },
  { value: 'gilbert', label: 'In bursts' },
];

/** Gilbert–Elliott, in netem's letters: h and k are the probabilities to pass. */
const BURSTS = [
  ['p', 'Into a burst'],
  ['r', 'Out of a burst'],
  ['h', 'Passes within'],
  ['k', 'Passes without'],
] as const;

const BUFFERS = [
  { value: 'automatic', label: 'Automatic' },
  { value: 'bytes', label: 'In bytes' },
  { value: 'bdp', label: 'In BDP' },
];

const QUEUES = [
  { value: 'droptail', label: 'Droptail' },
  { value: 'codel', label: 'CoDel' },
];

export function LinkEditor({ path, onChange, errors }: Props) {
  const change = (direction: Direction, patch: LinkChange): void =>
    onChange(withLink(path, direction, patch));
  const setFlap = (flap: EmulationFields['flap']): void => onChange({ ...path, profile: CUSTOM, flap });
  return (
    <>
      <div className={classes.links}>
        {DIRECTIONS.map((direction) => (
          <fieldset key={direction} className={classes.link}>
            <legend>{direction === 'up' ? 'Up, to the server' : 'Down, to this lab'}</legend>
            <LinkFieldset
              direction={direction}
              link={path[direction]}
              change={(patch) => change(direction, patch)}
              errors={errorsUnder(direction, errors)}
            />
          </fieldset>
        ))}
      </div>
      <Switch
        label="The path cuts out"
        checked={path.flap !== null}
        onChange={(event) =>
          setFlap(event.currentTarget.checked ? { periodMs: 30_000, downMs: 5_000 } : null)
        }
      />
      {path.flap && (
        <div className={classes.links}>
          {(['periodMs', 'downMs'] as const).map((key) => (
            <ScaledNumber
              key={key}
              label={key === 'periodMs' ? 'Every' : 'For'}
              unit="s"
              scale={1e3}
              value={path.flap![key]}
              error={errors[`flap.${key}`]}
              onChange={(value) => setFlap({ ...path.flap!, [key]: value ?? '' })}
            />
          ))}
        </div>
      )}
    </>
  );
}

interface FieldsetProps {
  direction: Direction;
  link: LinkFields;
  change: (patch: LinkChange) => void;
  /** Of the link, by the paths of its fields. */
  errors: Props['errors'];
}

function LinkFieldset({ direction, link, change, errors }: FieldsetProps) {
  const numbers = (fields: readonly NumberField[]) =>
    fields
      .filter(({ shown }) => shown?.(link) ?? true)
      .map(({ key, label, unit, scale, empty, nullable }) => (
        <ScaledNumber
          key={key}
          label={label}
          aria-label={`${label} ${direction} in ${unit}`}
          unit={unit}
          scale={scale}
          nullable={empty !== undefined}
          {...(empty !== undefined && { placeholder: empty })}
          value={link[key] as number | '' | null}
          error={errors[key]}
          onChange={(value) => change({ [key]: value ?? (nullable ? null : undefined) })}
        />
      ));
  const { loss } = link;
  const isLossTraced = traceHas(link, 3);
  const buffer = link.bufferBytes !== null ? 'bytes' : link.bufferBdp !== undefined ? 'bdp' : 'automatic';
  const choice = (
    label: string,
    data: { value: string; label: string }[],
    value: string,
    key: keyof LinkFields,
    onChange: (value: string) => void,
  ) => (
    <Select
      label={label}
      aria-label={`${label} ${direction}`}
      data={data}
      value={value}
      allowDeselect={false}
      error={errors[key]}
      onChange={(next) => next !== null && onChange(next)}
    />
  );
  return (
    <>
      {!link.trace && numbers(RATE)}
      {!link.trace && <RateSchedule direction={direction} link={link} change={change} errors={errors} />}
      <TraceField direction={direction} link={link} change={change} errors={errors} />
      {numbers(DELAYS)}
      {!isLossTraced &&
        choice('Loss', LOSS_MODELS, loss?.model ?? 'independent', 'loss', (model) => {
          if (model === 'independent') change({ loss: undefined });
          else if (model === 'every_nth') change({ lossRatio: 0, loss: { model, n: 100 } });
          else change({ lossRatio: 0, loss: { model: 'gilbert', p: 0.01, r: 0.25, h: 0, k: 1 } });
        })}
      {loss === undefined &&
        !isLossTraced &&
        numbers([{ key: 'lossRatio', label: 'Lost', unit: '%', scale: 0.01 }])}
      {loss?.model === 'every_nth' && (
        <ScaledNumber
          label="Lost: one in"
          aria-label={`Lost: one in so many ${direction}`}
          unit="packets"
          value={loss.n}
          error={errors['loss.n']}
          onChange={(n) => change({ loss: { ...loss, n: n as number } })}
        />
      )}
      {loss?.model === 'gilbert' &&
        BURSTS.map(([key, label]) => (
          <ScaledNumber
            key={key}
            label={`${label} (${key})`}
            aria-label={`${label} ${direction} in %`}
            unit="%"
            scale={0.01}
            value={loss[key]}
            error={errors[`loss.${key}`]}
            onChange={(value) => change({ loss: { ...loss, [key]: value as number } })}
          />
        ))}
      {numbers(LAST)}
      {choice('Buffer', BUFFERS, buffer, 'bufferBytes', (kind) =>
        change({
          bufferBytes: kind === 'bytes' ? 64_000 : null,
          bufferBdp: kind === 'bdp' ? 1 : undefined,
        }),
      )}
      {buffer === 'bytes' && numbers([{ key: 'bufferBytes', label: 'Holds', unit: 'kB', scale: 1e3 }])}
      {buffer === 'bdp' && numbers([{ key: 'bufferBdp', label: 'Holds', unit: 'BDP', scale: 1 }])}
      {choice('Queue', QUEUES, link.aqm ?? 'droptail', 'aqm', (aqm) =>
        change({
          aqm: aqm === 'codel' ? 'codel' : undefined,
          codelTargetMs: undefined,
          codelIntervalMs: undefined,
        }),
      )}
      {link.aqm === 'codel' && numbers(CODEL)}
    </>
  );
}
