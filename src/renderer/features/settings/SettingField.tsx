import { NumberInput, Select } from '@mantine/core';
import type { Setting } from '../../../shared/config/settings.ts';
import { type Editor, USE_WORDS } from './values.ts';

interface Props {
  setting: Setting;
  editor: Editor;
  value: string | number;
  error: string | null;
  from: string;
  onChange: (value: string | number) => void;
}

/** One setting. What file, environment or option fixed can be read, with where it is fixed. */
export function SettingField({ setting, editor, value, error, from, onChange }: Props) {
  const { label, unit, kind, about } = editor;
  const waits = USE_WORDS[setting.use];
  const description = setting.editable
    ? `${about}${waits === '' ? '' : ` Applies ${waits}.`}`
    : `${about} Fixed by ${from}.`;
  const common = {
    label: unit === null ? label : `${label} (${unit})`,
    description,
    error,
    // Below, so that fields side by side stand on one line.
    inputWrapperOrder: ['label' as const, 'input' as const, 'description' as const, 'error' as const],
    readOnly: !setting.editable,
    'data-testid': `field-${setting.path}`,
  };
  if ('choices' in kind)
    return (
      <Select
        {...common}
        data={[...kind.choices]}
        allowDeselect={false}
        value={String(value)}
        onChange={(chosen) => chosen !== null && onChange(chosen)}
      />
    );
  return (
    <NumberInput
      {...common}
      allowDecimal={false}
      allowNegative={false}
      placeholder={setting.default === null ? 'default' : `${setting.default}`}
      value={value}
      onChange={onChange}
    />
  );
}
