import { SegmentedControl, Select, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { CONTROLLERS, controllerNamed } from '../../../../shared/domain.ts';
import type { ErrorBody } from '../../../../shared/errors.ts';
import type { Experiment } from '../../../../shared/experiments.ts';
import { SCENARIOS, scenarioNamed } from '../../../../shared/matrix.ts';
import { formatSpan } from '../../../../shared/units.ts';
import { useConnection } from '../../../lab/connection.ts';
import { errorAdvice, errorBody, errorText } from '../../../lab/errors.ts';
import { useControllers } from '../../../lab/queries.ts';
import { ControllerParameters } from '../../../parts/form/ControllerParameters.tsx';
import { DrawerForm, FormDrawer } from '../../../parts/form/DrawerForm.tsx';
import { Group, Pair } from '../../../parts/form/Form.tsx';
import { parametersOf } from '../../../parts/form/parameters.ts';
import { ScaledNumber } from '../../../parts/ScaledNumber.tsx';
import { startCells } from '../actions.ts';
import {
  type CellFields,
  extentOf,
  fieldOf,
  NEW_CELLS,
  ofKind,
  parseCells,
  SIZES,
  sizeOf,
} from './fields.ts';

interface Props {
  opened: boolean;
  onClose: () => void;
  onStarted: (experiment: Experiment) => void;
}

/** A matrix or a scenario to be measured from now on. */
export const CellsDrawer = ({ opened, onClose, onStarted }: Props) => (
  <FormDrawer opened={opened} onClose={onClose} title="Measure cell by cell">
    <CellsForm onClose={onClose} onStarted={onStarted} />
  </FormDrawer>
);

const OWN = 'own';

function CellsForm({ onClose, onStarted }: Omit<Props, 'opened'>) {
  const online = useConnection((s) => s.phase === 'online');
  const controllers = useControllers();
  const specsOf = (name: string) => controllers.data?.find((each) => each.name === name)?.parameters ?? [];
  const [failure, setFailure] = useState<ErrorBody | null>(null);
  const [isStarting, setStarting] = useState(false);
  const form = useForm<CellFields>({
    initialValues: NEW_CELLS,
    validateInputOnBlur: true,
    validate: (fields) => parseCells(fields, specsOf(fields.controller)).errors ?? {},
  });
  const fields = form.getValues();
  const { input } = parseCells(fields, specsOf(fields.controller));

  const start = async (): Promise<void> => {
    if (input === null) return;
    setStarting(true);
    setFailure(null);
    try {
      const begun = await startCells(input);
      onClose();
      onStarted(begun);
    } catch (thrown) {
      const body = errorBody(thrown);
      const field = fieldOf(body.field ?? '');
      const isParameter = specsOf(fields.controller).some(({ name }) => name === field);
      if (isParameter) form.setFieldError(`parameters.${field}`, errorAdvice(body));
      else if (field.split('.')[0]! in fields) form.setFieldError(field, errorAdvice(body));
      else setFailure(body);
    } finally {
      setStarting(false);
    }
  };

  return (
    <DrawerForm
      onSubmit={form.onSubmit(start)}
      onCancel={onClose}
      submit="Start"
      isSaving={isStarting}
      failures={[
        failure && errorText(failure),
        online ? null : 'The lab is unreachable; nothing can be started now.',
      ]}
      disabled={!online}
      about={<span data-testid="cells-extent">{input === null ? '–' : extentText(extentOf(input))}</span>}
    >
      <SegmentedControl
        fullWidth
        aria-label="What is measured"
        data={[
          { value: 'matrix', label: 'Matrix' },
          { value: 'scenario', label: 'Scenario' },
        ]}
        value={fields.kind}
        onChange={(kind) => {
          form.setValues(ofKind(fields, kind as CellFields['kind']));
          form.clearErrors();
        }}
      />
      {fields.kind === 'matrix' ? (
        <Group legend="Cells: each combination">
          <SegmentedControl
            fullWidth
            aria-label="Size"
            data={[
              { value: 'light', label: 'Light' },
              { value: 'full', label: 'Full' },
              { value: OWN, label: 'Of your own', disabled: sizeOf(fields) !== null },
            ]}
            value={sizeOf(fields) ?? OWN}
            onChange={(size) => {
              if (size === OWN) return;
              form.setValues(SIZES[size as keyof typeof SIZES]);
              form.clearErrors();
            }}
          />
          <TextInput
            label="Messages per second of a stream"
            data-autofocus
            {...form.getInputProps('rates')}
          />
          <TextInput label="Connections" {...form.getInputProps('connections')} />
          <Pair>
            <TextInput label="Loss in %" {...form.getInputProps('losses')} />
            <TextInput label="RTT in ms" {...form.getInputProps('rtts')} />
          </Pair>
          <ScaledNumber label="Streams of a connection" unit="" {...form.getInputProps('streams')} />
        </Group>
      ) : (
        <Group legend="Load, path and limits">
          <Select
            label="Scenario"
            allowDeselect={false}
            data={SCENARIOS.map(({ name, about }) => ({ value: name, label: `${name}: ${about}` }))}
            description={loadOf(fields.scenario)}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            {...form.getInputProps('scenario')}
          />
        </Group>
      )}
      <Group legend="Measurement">
        <Pair>
          <ScaledNumber
            label="Measured for"
            unit="s"
            nullable={fields.kind === 'scenario'}
            placeholder={fields.kind === 'scenario' ? 'as it has' : ''}
            {...form.getInputProps('durationS')}
          />
          <ScaledNumber label="Repetitions" unit="" {...form.getInputProps('repeat')} />
        </Pair>
        <Pair>
          <ScaledNumber label="Warm-up" unit="s" {...form.getInputProps('warmUpS')} />
          <ScaledNumber label="Cool-down" unit="s" {...form.getInputProps('coolDownS')} />
        </Pair>
        <Pair>
          <ScaledNumber label="Payload of a message" unit="B" {...form.getInputProps('packetBytes')} />
          <ScaledNumber label="Seed" unit="" nullable placeholder="drawn" {...form.getInputProps('seed')} />
        </Pair>
      </Group>
      <Group legend="Congestion control">
        <Select
          label="Controller"
          allowDeselect={false}
          data={CONTROLLERS.map((name) => ({
            value: name,
            label: controllers.data?.find((each) => each.name === name)?.title ?? name,
          }))}
          {...form.getInputProps('controller')}
          onChange={(name) => form.setValues({ controller: controllerNamed(name ?? ''), parameters: {} })}
        />
        <ControllerParameters {...parametersOf(form)} />
      </Group>
    </DrawerForm>
  );
}

/** `16 cells, 16 runs, about 5 min`. */
const extentText = ({ cells, runs, seconds }: ReturnType<typeof extentOf>): string =>
  `${cells} ${cells === 1 ? 'cell' : 'cells'}, ${runs} ${runs === 1 ? 'run' : 'runs'}, about ${formatSpan(seconds)}`;

function loadOf(scenario: string): string {
  const { load } = scenarioNamed(scenario)!;
  return `${load.connections} × ${load.streams} streams of ${load.ratePerS} messages/s for ${load.durationS} s`;
}
