import { Select, Switch, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { MOVES } from '../../../../shared/probe-details.ts';
import { appliesTo, type ProbeInput } from '../../../../shared/probes.ts';
import { Pair } from '../../../parts/form/Form.tsx';
import { ScaledNumber } from '../../../parts/ScaledNumber.tsx';
import type { ProbeFields } from './values.ts';

const STARTS: { value: ProbeInput['handshake']; label: string }[] = [
  { value: 'cold', label: 'Cold' },
  { value: 'resumed', label: 'Resumed' },
  { value: '0-rtt', label: '0-RTT' },
];

const CODES = [
  { value: 'rs', label: 'Reed–Solomon' },
  { value: 'xor', label: 'XOR parity' },
];

const MOVE_CHOICES = [
  { value: MOVES.join(), label: 'Rebinding, then active' },
  { value: 'rebinding', label: 'Rebinding (as a NAT does)' },
  { value: 'active', label: 'Active (validated first)' },
];

const FIELDS = [
  'ratePerS',
  'fec',
  'packetBytes',
  'packetsPerS',
  'bytes',
  'warmUpS',
  'streams',
  'handshake',
  'path',
  'moves',
  'count',
] as const;

/** The settings that only some modes have. */
export function ModeFields({ form }: { form: UseFormReturnType<ProbeFields> }) {
  const { mode, moves } = form.getValues();
  const has = (field: Parameters<typeof appliesTo>[0]): boolean => appliesTo(field, mode);
  if (!FIELDS.some(has)) return null;
  return (
    <Pair>
      {has('ratePerS') && <ScaledNumber label="Pings" unit="per s" {...form.getInputProps('ratePerS')} />}
      {has('packetsPerS') && (
        <ScaledNumber label="Packets" unit="per s" {...form.getInputProps('packetsPerS')} />
      )}
      {has('bytes') && (
        <ScaledNumber
          label={mode === 'streams' ? 'Each at most' : 'At most'}
          unit="MB"
          scale={1e6}
          nullable
          placeholder="no limit"
          {...form.getInputProps('bytes')}
        />
      )}
      {has('warmUpS') && <ScaledNumber label="Warm-up" unit="s" {...form.getInputProps('warmUpS')} />}
      {has('streams') && <ScaledNumber label="Streams" unit="" {...form.getInputProps('streams')} />}
      {has('handshake') && (
        <Select label="Start" allowDeselect={false} data={STARTS} {...form.getInputProps('handshake')} />
      )}
      {has('path') && (
        <TextInput label="Path" placeholder="/" spellCheck={false} {...form.getInputProps('path')} />
      )}
      {has('moves') && (
        <Select
          label="Moves"
          allowDeselect={false}
          data={MOVE_CHOICES}
          value={moves.join()}
          onChange={(value) => form.setFieldValue('moves', value?.split(',') as ProbeInput['moves'])}
        />
      )}
      {has('packetBytes') && (
        <ScaledNumber label="Packet" unit="bytes" {...form.getInputProps('packetBytes')} />
      )}
      {has('fec') && (
        <Select label="Code" allowDeselect={false} data={CODES} {...form.getInputProps('fec.scheme')} />
      )}
      {has('fec') && <ScaledNumber label="Group" unit="packets" {...form.getInputProps('fec.k')} />}
      {has('fec') && (
        <ScaledNumber label="Redundancy" unit="%" scale={0.01} {...form.getInputProps('fec.redundancy')} />
      )}
      {has('fec') && (
        <Switch label="Adapt to the loss" {...form.getInputProps('fec.adaptive', { type: 'checkbox' })} />
      )}
      {has('count') && (
        <ScaledNumber
          label={mode === 'http3' ? 'Requests' : mode === 'ping' ? 'Pings at most' : 'Handshakes'}
          unit=""
          nullable
          placeholder="no limit"
          {...form.getInputProps('count')}
        />
      )}
    </Pair>
  );
}
