import { Combobox, InputBase, useCombobox } from '@mantine/core';
import { useState } from 'react';
import type { Profile } from '../../../shared/domain.ts';
import { useEmulatorLimit, whyTooFast } from './capacity.ts';
import { aligned, roundTripOf, spokenPath } from './describe.ts';
import { CUSTOM } from './fields.ts';
import classes from './PathPicker.module.css';

const NONE = '';
const NONE_LABEL = 'None: the real path';

interface Props {
  /** Name of the profile; null for no emulated path. */
  value: string | null;
  onChange: (name: string | null) => void;
  profiles: readonly Profile[];
  description: string;
  error: string | undefined;
  optional: boolean;
}

/** All named paths with their numbers, found by typing. */
export function ProfileSelect({ value, onChange, profiles, description, error, optional }: Props) {
  // What is being typed; null while nothing is, and the chosen name stands in the field.
  const [search, setSearch] = useState<string | null>(null);
  const [isLookedAt, setLookedAt] = useState(false);
  const limit = useEmulatorLimit(isLookedAt);
  const combobox = useCombobox({
    onDropdownClose: () => {
      setSearch(null);
      combobox.resetSelectedOption();
    },
    onDropdownOpen: () => {
      setLookedAt(true);
      combobox.updateSelectedOptionIndex('active');
    },
  });
  const shown = value === null ? NONE_LABEL : value;
  const wanted = (search ?? '').trim().toLowerCase();
  const found = profiles.filter(({ name }) => name.toLowerCase().includes(wanted));
  const hasOther = (label: string): boolean => label.toLowerCase().includes(wanted);
  return (
    <Combobox
      store={combobox}
      width={540}
      position="bottom-start"
      withinPortal
      onOptionSubmit={(name) => {
        onChange(name === NONE ? null : name);
        combobox.closeDropdown();
      }}
    >
      <Combobox.Target withExpandedAttribute>
        <InputBase
          size="xs"
          role="combobox"
          label="Emulated path"
          description={description}
          error={error}
          rightSection={<Combobox.Chevron size="xs" />}
          rightSectionPointerEvents="none"
          value={search ?? shown}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            combobox.openDropdown();
            combobox.selectFirstOption();
          }}
          onClick={() => combobox.openDropdown()}
          onFocus={(event) => event.currentTarget.select()}
          onBlur={() => combobox.closeDropdown()}
          spellCheck={false}
        />
      </Combobox.Target>
      <Combobox.Dropdown>
        <section aria-label="Network profiles">
          <div className={classes.row} data-head aria-hidden>
            <span>There and back</span>
            <span>RTT ms</span>
            <span>± ms</span>
            <span>lost %</span>
            <span>Mbit/s down</span>
            <span>duplicated %</span>
          </div>
          <Combobox.Options className={classes.options!} aria-label="Profiles">
            {optional && hasOther(NONE_LABEL) && (
              <Combobox.Option value={NONE} active={value === null}>
                {NONE_LABEL}
              </Combobox.Option>
            )}
            {found.map(({ name, emulation }) => (
              <ProfileOption
                key={name}
                name={name}
                emulation={emulation}
                active={name === value}
                tooFast={whyTooFast(emulation, limit)}
              />
            ))}
            {hasOther('Custom') && (
              <Combobox.Option value={CUSTOM} active={value === CUSTOM}>
                Custom
              </Combobox.Option>
            )}
            {found.length === 0 && wanted !== '' && <Combobox.Empty>No profile of that name</Combobox.Empty>}
          </Combobox.Options>
          <p className={classes.limit} data-testid="emulator-limit">
            {limit.words}
          </p>
        </section>
      </Combobox.Dropdown>
    </Combobox>
  );
}

interface OptionProps extends Profile {
  active: boolean;
  /** Why it cannot be chosen. */
  tooFast: string | null;
}

function ProfileOption({ name, emulation, active, tooFast }: OptionProps) {
  const { rttMs, jitterMs, lossRatio, duplicateRatio, upBps, downBps } = roundTripOf(emulation);
  const mbit = (bps: number | null): string => (bps === null ? 'unlimited' : aligned(bps / 1e6, 1));
  return (
    <Combobox.Option
      value={name}
      active={active}
      disabled={tooFast !== null}
      className={classes.option!}
      aria-description={[spokenPath(emulation), tooFast].filter(Boolean).join('. ')}
      {...(tooFast !== null && { title: tooFast })}
    >
      <div className={classes.row}>
        <span>
          {name}
          {tooFast !== null && (
            <span aria-hidden className={classes.beyond}>
              simulator only
            </span>
          )}
        </span>
        <span aria-hidden>{aligned(rttMs, 1)}</span>
        <span aria-hidden>{aligned(jitterMs, 2)}</span>
        <span aria-hidden>{aligned(lossRatio * 100, 4)}</span>
        <span aria-hidden title={upBps === downBps ? undefined : `up ${mbit(upBps)}`}>
          {mbit(downBps)}
        </span>
        <span aria-hidden>{aligned(duplicateRatio * 100, 1)}</span>
      </div>
    </Combobox.Option>
  );
}
