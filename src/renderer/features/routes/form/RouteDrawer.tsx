import { Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { CONTROLLERS, controllerNamed, type Route } from '../../../../shared/domain.ts';
import type { ErrorBody } from '../../../../shared/errors.ts';
import { useConnection } from '../../../lab/connection.ts';
import { errorAdvice, errorBody, errorText } from '../../../lab/errors.ts';
import { useLive } from '../../../lab/live.ts';
import { useControllers } from '../../../lab/queries.ts';
import { AddressFields } from '../../../parts/form/AddressFields.tsx';
import { ControllerParameters } from '../../../parts/form/ControllerParameters.tsx';
import { DrawerForm, FormDrawer } from '../../../parts/form/DrawerForm.tsx';
import { Group, Pair } from '../../../parts/form/Form.tsx';
import { parametersOf } from '../../../parts/form/parameters.ts';
import { errorsUnder, under } from '../../../parts/issues.ts';
import { usePathFault } from '../../../parts/path/capacity.ts';
import { PathPicker } from '../../../parts/path/PathPicker.tsx';
import { ScaledNumber } from '../../../parts/ScaledNumber.tsx';
import { saveRoute } from '../actions.ts';
import { fieldOf, fieldsOf, NEW_ROUTE, parseFields, type RouteFields } from './values.ts';

/** What the form is about: a new route, one to change, or nothing. */
export type Editing = Route | 'new' | null;

interface Props {
  editing: Editing;
  onClose: () => void;
  onSaved: (route: Route) => void;
}

export function RouteDrawer({ editing, onClose, onSaved }: Props) {
  return (
    <FormDrawer
      opened={editing !== null}
      onClose={onClose}
      title={editing === 'new' ? 'Add a route' : editing ? `Edit ${editing.name}` : ''}
    >
      <RouteForm
        key={editing === 'new' ? 'new' : editing?.id}
        route={editing === 'new' ? null : editing}
        onClose={onClose}
        onSaved={onSaved}
      />
    </FormDrawer>
  );
}

function RouteForm({
  route,
  onClose,
  onSaved,
}: {
  route: Route | null;
  onClose: () => void;
  onSaved: Props['onSaved'];
}) {
  const online = useConnection((s) => s.phase === 'online');
  const controllers = useControllers();
  const controllersOf = (name: string) => controllers.data?.find((each) => each.name === name);
  // A route that is down for a reason in one of its fields shows it there.
  const [fault] = useState(() => (route ? (useLive.getState().statuses[route.id]?.error ?? null) : null));
  const [failure, setFailure] = useState<ErrorBody | null>(null);
  const [saving, setSaving] = useState(false);
  const form = useForm<RouteFields>({
    initialValues: route ? fieldsOf(route) : NEW_ROUTE,
    initialErrors: fault?.field ? { [fieldOf(fault.field)]: errorAdvice(fault) } : {},
    validateInputOnBlur: true,
    validate: (fields) => parseFields(fields, controllersOf(fields.controller)?.parameters).errors ?? {},
  });

  const fields = form.getValues();
  const specs = controllersOf(fields.controller)?.parameters;
  const save = async (values: RouteFields): Promise<void> => {
    const { input } = parseFields(values, specs);
    if (input === null) return;
    setSaving(true);
    setFailure(null);
    try {
      const saved = await saveRoute(input, route?.id);
      notifications.show({
        message: route ? `Saved ${saved.name}.` : `Added ${saved.name}.`,
        autoClose: 3000,
      });
      onSaved(saved);
    } catch (error) {
      const body = errorBody(error);
      const field = fieldOf(body.field ?? '');
      if (specs?.some(({ name }) => name === field))
        form.setFieldError(`parameters.${field}`, errorAdvice(body));
      else if (field.split('.')[0]! in values) form.setFieldError(field, errorAdvice(body));
      else setFailure(body);
    } finally {
      setSaving(false);
    }
  };

  const tooFast = usePathFault(fields.emulation);
  const pathErrors = errorsUnder('emulation', form.errors);
  // The demo lab decides where its routes lead.
  const isDemo = route?.demo ?? false;
  const blocked = !online ? 'The lab is unreachable' : tooFast && 'The path is too fast to be emulated';
  return (
    <DrawerForm
      onSubmit={form.onSubmit(save)}
      onCancel={onClose}
      submit={route ? 'Save' : 'Add route'}
      isSaving={saving}
      failures={[failure && errorText(failure), blocked && `${blocked}; nothing can be saved now.`]}
      disabled={blocked !== null}
    >
      <Group legend="Server">
        <TextInput
          label="Name"
          placeholder="Office to Frankfurt"
          data-autofocus
          {...form.getInputProps('name')}
        />
        <AddressFields
          inputProps={form.getInputProps}
          disabled={isDemo}
          about={
            isDemo
              ? 'A demo route leads to the demo’s own server, whose certificate the lab issued.'
              : 'Marked “insecure” on everything measured.'
          }
        />
      </Group>
      <Group legend="Probe">
        <Pair>
          <Select
            label="Congestion control"
            allowDeselect={false}
            data={CONTROLLERS.map((name) => ({ value: name, label: controllersOf(name)?.title ?? name }))}
            {...form.getInputProps('controller')}
            onChange={(name) => {
              const controller = controllerNamed(name ?? '');
              const parameters = controller === route?.controller ? route.parameters : {};
              form.setValues({ controller, parameters });
            }}
          />
          <ScaledNumber label="Pings" unit="per s" {...form.getInputProps('pingRate')} />
        </Pair>
        <ControllerParameters {...parametersOf(form)} />
        <Switch
          label="Measure throughput"
          checked={fields.transferEveryS !== null}
          onChange={(event) =>
            form.setFieldValue(
              'transferEveryS',
              event.currentTarget.checked ? (route?.transferEveryS ?? NEW_ROUTE.transferEveryS) : null,
            )
          }
        />
        {fields.transferEveryS !== null && (
          <Pair>
            <ScaledNumber label="Every" unit="s" {...form.getInputProps('transferEveryS')} />
            <ScaledNumber label="At most" unit="MB" scale={1e6} {...form.getInputProps('transferBytes')} />
          </Pair>
        )}
        <TagsInput label="Tags" {...form.getInputProps('tags')} />
      </Group>
      <Group legend="Path">
        <PathPicker
          value={fields.emulation}
          onChange={(emulation) => {
            form.setFieldValue('emulation', emulation);
            for (const path of Object.keys(pathErrors)) form.clearFieldError(under('emulation', path));
          }}
          errors={tooFast ? { ...pathErrors, '': tooFast } : pathErrors}
          about="Put between this lab and the server, on this machine; marked on all it measures."
          optional
        />
      </Group>
    </DrawerForm>
  );
}
