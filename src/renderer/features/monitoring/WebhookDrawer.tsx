import { Button, Drawer, PasswordInput, Select, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { SEVERITIES, WebhookInput } from '../../../shared/alerts.ts';
import { errorAdvice, errorBody } from '../../lab/errors.ts';
import { Failure } from '../../parts/form/Form.tsx';
import { messagesOf } from '../../parts/issues.ts';
import { ScaledNumber } from '../../parts/ScaledNumber.tsx';
import { addWebhook } from './actions.ts';
import classes from './MonitoringPage.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
  onSaved: () => void;
}

export function WebhookDrawer({ opened, onClose, onSaved }: Props) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      title="Add a webhook"
      size={440}
      closeButtonProps={{ 'aria-label': 'Close without saving' }}
    >
      {opened && <WebhookForm onClose={onClose} onSaved={onSaved} />}
    </Drawer>
  );
}

const parse = (fields: {
  name: string;
  url: string;
  secret: string;
  leastSeverity: string;
  timeoutS: unknown;
}) => WebhookInput.safeParse({ ...fields, secret: fields.secret === '' ? null : fields.secret });

function WebhookForm({ onClose, onSaved }: Omit<Props, 'opened'>) {
  const [failure, setFailure] = useState<string | null>(null);
  const form = useForm({
    initialValues: {
      name: '',
      url: '',
      secret: '',
      leastSeverity: 'info',
      timeoutS: 5 as number | '' | null,
    },
    validate: (fields) => {
      const parsed = parse(fields);
      return parsed.success ? {} : messagesOf(parsed.error.issues);
    },
  });
  const save = async (fields: typeof form.values): Promise<void> => {
    const parsed = parse(fields);
    if (!parsed.success) return;
    try {
      await addWebhook(parsed.data);
      onSaved();
      onClose();
    } catch (thrown) {
      setFailure(errorAdvice(errorBody(thrown)));
    }
  };
  return (
    <form className={classes.form} onSubmit={form.onSubmit(save)} noValidate>
      <TextInput label="Name" data-autofocus {...form.getInputProps('name')} />
      <TextInput label="Address" placeholder="https://example.net/alerts" {...form.getInputProps('url')} />
      <PasswordInput
        label="Secret"
        description="Signs what is sent. It cannot be read again."
        autoComplete="new-password"
        {...form.getInputProps('secret')}
      />
      <Select
        label="From severity"
        allowDeselect={false}
        data={[...SEVERITIES]}
        {...form.getInputProps('leastSeverity')}
      />
      <ScaledNumber label="Waits for an answer" unit="s" {...form.getInputProps('timeoutS')} />
      <div className={classes.foot}>
        {failure && <Failure>{failure}</Failure>}
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="filled">
          Add webhook
        </Button>
      </div>
    </form>
  );
}
