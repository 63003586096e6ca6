import { SegmentedControl, Select, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useRef, useState } from 'react';
import type { ErrorBody } from '../../../../shared/errors.ts';
import type { ProbeInput, ProbeRun } from '../../../../shared/probes.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { useBindCommands } from '../../../commands/registry.ts';
import { useConnection } from '../../../lab/connection.ts';
import { errorAdvice, errorBody, errorText } from '../../../lab/errors.ts';
import { useControllers, useProfiles, useRoutes } from '../../../lab/queries.ts';
import { AddressFields } from '../../../parts/form/AddressFields.tsx';
import { ControllerParameters } from '../../../parts/form/ControllerParameters.tsx';
import { Failure, Group, Pair } from '../../../parts/form/Form.tsx';
import { parametersOf } from '../../../parts/form/parameters.ts';
import { errorsUnder, under } from '../../../parts/issues.ts';
import { usePathFault } from '../../../parts/path/capacity.ts';
import { PLAIN_PATH } from '../../../parts/path/fields.ts';
import { PathPicker } from '../../../parts/path/PathPicker.tsx';
import { ScaledNumber } from '../../../parts/ScaledNumber.tsx';
import { startProbe } from '../actions.ts';
import { useDraft } from './draft.ts';
import { ModeFields } from './ModeFields.tsx';
import classes from './ProbeForm.module.css';
import { fieldOf, type ProbeFields, parseProbe } from './values.ts';

const KINDS = [
  { value: 'emulated', label: 'Emulated path' },
  { value: 'route', label: 'Route' },
  { value: 'address', label: 'Address' },
];

const MODES: { value: ProbeInput['mode']; label: string }[] = [
  { value: 'download', label: 'Download' },
  { value: 'upload', label: 'Upload' },
  { value: 'bidi', label: 'Both ways' },
  { value: 'ping', label: 'Pings' },
  { value: 'handshake', label: 'Handshakes' },
  { value: 'responsiveness', label: 'Responsiveness' },
  { value: 'streams', label: 'Streams' },
  { value: 'migration', label: 'Migration' },
  { value: 'fec', label: 'FEC' },
  { value: 'http3', label: 'HTTP/3 GET' },
];

const FIRST_PROFILE = 'wifi-5g';

export function ProbeForm({ onStarted }: { onStarted: (run: ProbeRun) => void }) {
  const online = useConnection((s) => s.phase === 'online');
  const profiles = useProfiles();
  const routes = useRoutes();
  const controllers = useControllers();
  const { fields: draft, taken } = useDraft();
  const [failure, setFailure] = useState<ErrorBody | null>(null);
  const [isStarting, setStarting] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const controllersOf = (name: string) => controllers.data?.find((each) => each.name === name);
  const form = useForm<ProbeFields>({
    initialValues: draft,
    validateInputOnBlur: true,
    validate: (fields) => parseProbe(fields, controllersOf(fields.controller)?.parameters ?? []).errors ?? {},
    onValuesChange: (fields) => useDraft.setState({ fields }),
  });
  const fields = form.getValues();
  const tooFast = usePathFault(fields.kind === 'emulated' ? fields.emulation : null);
  const pathErrors = errorsUnder('emulation', form.errors);
  const specs = controllersOf(fields.controller)?.parameters ?? [];

  // biome-ignore lint/correctness/useExhaustiveDependencies: settings are taken over once for each time they are.
  useEffect(() => {
    if (taken === 0) return;
    form.setValues(draft);
    form.clearErrors();
  }, [taken]);

  // A new form begins with a path worth measuring, once the lab has told which there are.
  const first = profiles.data?.find(({ name }) => name === FIRST_PROFILE) ?? profiles.data?.[0];
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the profiles come.
  useEffect(() => {
    if (first && fields.emulation === PLAIN_PATH)
      form.setFieldValue('emulation', structuredClone(first.emulation));
  }, [first]);

  /** Goes to the first field at fault, once it is marked. */
  const showFault = (): void =>
    void requestAnimationFrame(() => {
      const field = element.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
      field?.focus({ preventScroll: true });
      field?.scrollIntoView({ block: 'center' });
    });
  const start = async (input: ProbeInput): Promise<void> => {
    setStarting(true);
    setFailure(null);
    try {
      onStarted(await startProbe(input));
    } catch (thrown) {
      const body = errorBody(thrown);
      const field = body.field === undefined ? '' : fieldOf(body.field);
      const parameter = specs.some(({ name }) => name === field);
      const isShown = parameter || (field.split('.')[0]! in fields && field !== '');
      if (isShown) {
        form.setFieldError(parameter ? `parameters.${field}` : field, errorAdvice(body));
        showFault();
      } else setFailure(body);
    } finally {
      setStarting(false);
    }
  };
  const submit = (): void => {
    const { input, errors } = parseProbe(form.getValues(), specs);
    if (input) start(input);
    else {
      form.setErrors(errors);
      showFault();
    }
  };
  useBindCommands([
    {
      command: 'probe.start',
      run: submit,
      blocked: !online
        ? 'the lab is unreachable'
        : isStarting
          ? 'a probe is being started'
          : tooFast && 'the path is too fast to be emulated',
    },
  ]);

  return (
    <form
      ref={element}
      className={classes.form}
      aria-label="New probe"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!tooFast) submit();
      }}
    >
      <div className={classes.fields}>
        <Group legend="Target">
          <SegmentedControl
            fullWidth
            aria-label="Kind of target"
            data={KINDS}
            {...form.getInputProps('kind')}
          />
          {fields.kind === 'emulated' && (
            <PathPicker
              value={fields.emulation}
              onChange={(emulation) => {
                form.setFieldValue('emulation', emulation ?? PLAIN_PATH);
                for (const path of Object.keys(pathErrors)) form.clearFieldError(under('emulation', path));
              }}
              errors={tooFast ? { ...pathErrors, '': tooFast } : pathErrors}
              about="To a server of this lab’s own, on this machine."
              optional={false}
            />
          )}
          {fields.kind === 'route' && (
            <Select
              label="Route"
              placeholder={routes.data?.length === 0 ? 'There is no route yet' : 'Choose a route'}
              description="Its address, path and certificate rules, but not its controller."
              searchable
              data={(routes.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
              {...form.getInputProps('routeId')}
            />
          )}
          {fields.kind === 'address' && (
            <AddressFields inputProps={form.getInputProps} about="Marked “insecure” on the run." />
          )}
        </Group>
        <Group legend="Measurement">
          <Pair>
            <Select label="Mode" allowDeselect={false} data={MODES} {...form.getInputProps('mode')} />
            <ScaledNumber label="Duration" unit="s" {...form.getInputProps('durationS')} />
          </Pair>
          <ModeFields form={form} />
          <Pair>
            <TextInput label="Name" placeholder="by target and mode" {...form.getInputProps('name')} />
          </Pair>
        </Group>
        <Group legend="Congestion control">
          <Select
            label="Controller"
            allowDeselect={false}
            data={(controllers.data ?? []).map(({ name, title }) => ({ value: name, label: title }))}
            {...form.getInputProps('controller')}
            onChange={(name) => {
              if (name === null) return;
              form.setFieldValue('controller', name as ProbeFields['controller']);
              // Each controller has parameters of its own.
              form.setFieldValue('parameters', {});
            }}
          />
          <ControllerParameters {...parametersOf(form)} />
        </Group>
      </div>
      <div className={classes.foot}>
        {failure && <Failure>{errorText(failure)}</Failure>}
        <CommandButton command="probe.start" variant="filled" fullWidth loading={isStarting} tip="right">
          Start the probe
        </CommandButton>
        {/* Enter in a field starts the probe too. */}
        <button type="submit" hidden />
      </div>
    </form>
  );
}
