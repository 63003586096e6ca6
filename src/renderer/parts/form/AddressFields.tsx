import { Switch, TextInput } from '@mantine/core';
import { ScaledNumber } from '../ScaledNumber.tsx';
import classes from './Form.module.css';

type AddressField = 'host' | 'port' | 'serverName' | 'insecure';

interface Props {
  /** Mantine's `getInputProps`. */
  inputProps: (field: AddressField, options?: { type: 'checkbox' }) => object;
  /** What stands below the switch for any certificate. */
  about: string;
  disabled?: boolean;
}

/** Where a server is, and which certificate it may show. */
export const AddressFields = ({ inputProps, about, disabled = false }: Props) => (
  <>
    <div className={classes.hostPort}>
      <TextInput
        label="Host"
        placeholder="probe.example.net"
        spellCheck={false}
        disabled={disabled}
        {...inputProps('host')}
      />
      <ScaledNumber label="UDP port" unit="" disabled={disabled} {...inputProps('port')} />
    </div>
    <TextInput
      label="Name in the certificate"
      placeholder="the host"
      spellCheck={false}
      disabled={disabled}
      {...inputProps('serverName')}
    />
    <Switch
      label="Accept any certificate"
      disabled={disabled}
      description={about}
      {...inputProps('insecure', { type: 'checkbox' })}
    />
  </>
);
