import { MultiSelect, Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { type AlertRule, COMPARISONS, METRIC_IDS, METRICS, SEVERITIES } from '../../../shared/alerts.ts';
import type { ErrorBody } from '../../../shared/errors.ts';
import { errorAdvice, errorBody, errorText } from '../../lab/errors.ts';
import { useRoutes } from '../../lab/queries.ts';
import { DrawerForm, FormDrawer } from '../../parts/form/DrawerForm.tsx';
import { Group, Pair } from '../../parts/form/Form.tsx';
import { ScaledNumber } from '../../parts/ScaledNumber.tsx';
import { saveRule } from './actions.ts';
import { fieldsOf, NEW_RULE, parseRule, placeOf, type RuleFields } from './rule-fields.ts';
import { SHOWN } from './words.ts';

interface Props {
  editing: AlertRule | 'new' | null;
  onClose: () => void;
  onSaved: (rule: AlertRule) => void;
}

export function RuleDrawer({ editing, onClose, onSaved }: Props) {
  const rule = editing === 'new' ? null : editing;
  return (
    <FormDrawer
      opened={editing !== null}
      onClose={onClose}
      title={rule ? `Edit ${rule.name}` : 'Add an alert rule'}
    >
      <RuleForm key={rule?.id ?? 'new'} rule={rule} onClose={onClose} onSaved={onSaved} />
    </FormDrawer>
  );
}

const METRIC_OPTIONS = [
  { group: 'Of a route', items: optionsOf('route') },
  { group: 'Of the system', items: optionsOf('system') },
];

function optionsOf(scope: 'route' | 'system'): { value: string; label: string }[] {
  return METRIC_IDS.filter((id) => METRICS[id].scope === scope).map((value) => ({
    value,
    label: METRICS[value].title,
  }));
}

function RuleForm({
  rule,
  onClose,
  onSaved,
}: { rule: AlertRule | null } & Pick<Props, 'onClose' | 'onSaved'>) {
  const { data: routes } = useRoutes();
  const [failure, setFailure] = useState<ErrorBody | null>(null);
  const [saving, setSaving] = useState(false);
  const isEnabled = rule?.enabled ?? true;
  const form = useForm<RuleFields>({
    initialValues: rule ? fieldsOf(rule) : NEW_RULE,
    validate: (fields) => parseRule(fields, isEnabled).errors,
  });
  const fields = form.getValues();
  const { scope, unit } = METRICS[fields.metric];
  const shown = SHOWN[unit];

  const save = async (values: RuleFields): Promise<void> => {
    const { input } = parseRule(values, isEnabled);
    if (input === null) return;
    setSaving(true);
    setFailure(null);
    try {
      onSaved(await saveRule(input, rule?.id));
      onClose();
    } catch (thrown) {
      const body = errorBody(thrown);
      const place = placeOf(body.field ?? '', values);
      if (place in values) form.setFieldError(place, errorAdvice(body));
      else setFailure(body);
    } finally {
      setSaving(false);
    }
  };

  return (
    <DrawerForm
      onSubmit={form.onSubmit(save)}
      onCancel={onClose}
      submit={rule ? 'Save' : 'Add rule'}
      isSaving={saving}
      failures={[failure && errorText(failure)]}
    >
      <Group legend="Rule">
        <TextInput label="Name" data-autofocus {...form.getInputProps('name')} />
        <Select
          label="Severity"
          allowDeselect={false}
          data={[...SEVERITIES]}
          {...form.getInputProps('severity')}
        />
      </Group>
      <Group legend="Raised when">
        <Select
          label="Metric"
          allowDeselect={false}
          searchable
          data={METRIC_OPTIONS}
          {...form.getInputProps('metric')}
          onChange={(metric) => {
            const next = metric as RuleFields['metric'];
            const isSame = METRICS[next].unit === unit;
            // A number of another unit says nothing about this metric.
            form.setValues({ metric: next, ...(!isSame && { threshold: '', overValue: '' }) });
          }}
        />
        <Pair>
          <Select
            label="Is"
            allowDeselect={false}
            data={[...COMPARISONS]}
            {...form.getInputProps('comparison')}
          />
          <ScaledNumber
            label="Threshold"
            unit={shown.unit}
            scale={shown.scale}
            {...form.getInputProps('threshold')}
          />
        </Pair>
        <ScaledNumber label="For" unit="s" {...form.getInputProps('forS')} />
      </Group>
      <Group legend="Over when">
        <Pair>
          <Select
            label="Back"
            allowDeselect={false}
            data={[
              { value: 'same', label: 'at the threshold' },
              { value: 'percent', label: 'by a share of it' },
              { value: 'value', label: 'at another value' },
            ]}
            {...form.getInputProps('over')}
          />
          {fields.over === 'percent' && (
            <ScaledNumber label="Share" unit="%" {...form.getInputProps('percent')} />
          )}
          {fields.over === 'value' && (
            <ScaledNumber
              label="Value"
              unit={shown.unit}
              scale={shown.scale}
              {...form.getInputProps('overValue')}
            />
          )}
        </Pair>
        <ScaledNumber label="For at least" unit="s" {...form.getInputProps('resolveForS')} />
      </Group>
      {scope === 'route' && (
        <Group legend="Watches">
          <Select
            label="Routes"
            allowDeselect={false}
            data={[
              { value: 'all', label: 'all' },
              { value: 'ids', label: 'some' },
              { value: 'tags', label: 'those with a tag' },
            ]}
            {...form.getInputProps('watches')}
          />
          {fields.watches === 'ids' && (
            <MultiSelect
              label="Which"
              searchable
              data={routes?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
              {...form.getInputProps('ids')}
            />
          )}
          {fields.watches === 'tags' && <TagsInput label="Tags" {...form.getInputProps('tags')} />}
        </Group>
      )}
      <Switch label="Notify on the desktop" {...form.getInputProps('desktop', { type: 'checkbox' })} />
    </DrawerForm>
  );
}
