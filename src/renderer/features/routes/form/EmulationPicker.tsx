import { Select, Switch } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { Emulation, Profile } from '../../../../shared/domain.ts';
import classes from './RouteDrawer.module.css';
import { ScaledNumber } from './ScaledNumber.tsx';
import type { RouteFields } from './values.ts';

const NONE = 'none';
const CUSTOM = 'custom';

const PLAIN_LINK: Emulation['up'] = {
  rateBps: null,
  delayMs: 0,
  jitterMs: 0,
  lossRatio: 0,
  bufferBytes: null,
};

const LINK_FIELDS = [
  { key: 'rateBps', label: 'Rate', unit: 'Mbit/s', scale: 1e6, empty: 'unlimited' },
  { key: 'delayMs', label: 'Delay', unit: 'ms', scale: 1, empty: undefined },
  { key: 'jitterMs', label: 'Jitter ±', unit: 'ms', scale: 1, empty: undefined },
  { key: 'lossRatio', label: 'Loss', unit: '%', scale: 0.01, empty: undefined },
  { key: 'bufferBytes', label: 'Buffer', unit: 'kB', scale: 1e3, empty: 'automatic' },
] as const;

interface Props {
  form: UseFormReturnType<RouteFields>;
  profiles: readonly Profile[];
  /** Why the profiles are not there, if they are not. */
  missing: string | null;
}

/** The emulated path of a route: a profile taken over into fields, each of which can then be changed. */
export function EmulationPicker({ form, profiles, missing }: Props) {
  const { emulation } = form.getValues();
  const names = profiles.map(({ name }) => name);
  // A profile the lab no longer lists, or the demo's own, stays choosable while it is set.
  const own =
    emulation && emulation.profile !== CUSTOM && !names.includes(emulation.profile)
      ? [emulation.profile]
      : [];
  const choose = (name: string | null): void => {
    if (name === null) return;
    const profile = profiles.find((candidate) => candidate.name === name)?.emulation;
    form.setFieldValue(
      'emulation',
      name === NONE
        ? null
        : structuredClone(
            profile ?? { up: PLAIN_LINK, down: PLAIN_LINK, flap: null, ...emulation, profile: name },
          ),
    );
  };
  const changed = (path: string) => (value: unknown) => {
    form.setFieldValue('emulation.profile', CUSTOM);
    form.setFieldValue(path, value as never);
  };
  const field = (path: string) => ({
    ...form.getInputProps(path),
    onChange: changed(path),
  });
  return (
    <fieldset className={classes.group}>
      <legend>Path</legend>
      <Select
        label="Emulated path"
        description={
          missing ?? 'Put between this lab and the server, on this machine; marked on all it measures.'
        }
        allowDeselect={false}
        value={emulation?.profile ?? NONE}
        onChange={choose}
        data={[
          { value: NONE, label: 'None: the real path' },
          ...[...own, ...names].map((name) => ({ value: name, label: name })),
          { value: CUSTOM, label: 'Custom' },
        ]}
        comboboxProps={{ withinPortal: true }}
      />
      {emulation && (
        <>
          <div className={classes.links}>
            <span className={classes.direction}>Up, to the server</span>
            <span className={classes.direction}>Down, to this lab</span>
            {LINK_FIELDS.map(({ key, label, unit, scale, empty }) =>
              (['up', 'down'] as const).map((direction) => (
                <ScaledNumber
                  key={`${direction}-${key}`}
                  label={label}
                  aria-label={`${label} ${direction} in ${unit}`}
                  unit={unit}
                  scale={scale}
                  nullable={empty !== undefined}
                  placeholder={empty}
                  {...field(`emulation.${direction}.${key}`)}
                />
              )),
            )}
          </div>
          <Switch
            label="The path cuts out"
            checked={emulation.flap !== null}
            onChange={(event) =>
              changed('emulation.flap')(
                event.currentTarget.checked ? { periodMs: 30_000, downMs: 5_000 } : null,
              )
            }
          />
          {emulation.flap && (
            <div className={classes.links}>
              <ScaledNumber label="Every" unit="s" scale={1e3} {...field('emulation.flap.periodMs')} />
              <ScaledNumber label="For" unit="s" scale={1e3} {...field('emulation.flap.downMs')} />
            </div>
          )}
        </>
      )}
    </fieldset>
  );
}
