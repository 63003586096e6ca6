import { PasswordInput, Select, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { SEVERITIES, type Webhook, WebhookPatch } from '../../../shared/alerts.ts';
import { errorAdvice, errorBody } from '../../lab/errors.ts';
import { DrawerForm, FormDrawer } from '../../parts/form/DrawerForm.tsx';
import { messagesOf } from '../../parts/issues.ts';
import { ScaledNumber } from '../../parts/ScaledNumber.tsx';
import { saveWebhook } from './actions.ts';

interface Props {
  editing: Webhook | 'new' | null;
  onClose: () => void;
  onSaved: () => void;
}

export function WebhookDrawer({ editing, onClose, onSaved }: Props) {
  const webhook = editing === 'new' ? null : editing;
  return (
    <FormDrawer
      opened={editing !== null}
      onClose={onClose}
      title={webhook ? `Edit ${webhook.name}` : 'Add a webhook'}
    >
      <WebhookForm key={webhook?.id ?? 'new'} webhook={webhook} onClose={onClose} onSaved={onSaved} />
    </FormDrawer>
  );
}

interface Fields {
  name: string;
  url: string;
  /** Empty: none, or the one there is. */
  secret: string;
  takesSecretAway: boolean;
  leastSeverity: Webhook['leastSeverity'];
  timeoutS: number | '' | null;
}

const NEW: Omit<Webhook, 'id' | 'isPrivate' | 'enabled'> = {
  name: '',
  url: '',
  hasSecret: false,
  leastSeverity: 'info',
  timeoutS: 5,
};

/** An absent secret leaves the one there is. */
const parse = ({ secret, takesSecretAway, ...fields }: Fields) =>
  WebhookPatch.required({ name: true, url: true }).safeParse({
    ...fields,
    ...(takesSecretAway ? { secret: null } : secret !== '' && { secret }),
  });

function WebhookForm({
  webhook,
  onClose,
  onSaved,
}: { webhook: Webhook | null } & Pick<Props, 'onClose' | 'onSaved'>) {
  const [failure, setFailure] = useState<string | null>(null);
  const [isSaving, setSaving] = useState(false);
  const { name, url, leastSeverity, timeoutS, hasSecret } = webhook ?? NEW;
  const form = useForm<Fields>({
    initialValues: { name, url, secret: '', takesSecretAway: false, leastSeverity, timeoutS },
    validate: (fields) => {
      const parsed = parse(fields);
      return parsed.success ? {} : messagesOf(parsed.error.issues);
    },
  });
  const { takesSecretAway } = form.getValues();
  const save = async (fields: Fields): Promise<void> => {
    const parsed = parse(fields);
    if (!parsed.success) return;
    setSaving(true);
    setFailure(null);
    try {
      await saveWebhook(parsed.data, webhook?.id);
      onSaved();
      onClose();
    } catch (thrown) {
      setFailure(errorAdvice(errorBody(thrown)));
    } finally {
      setSaving(false);
    }
  };
  return (
    <DrawerForm
      onSubmit={form.onSubmit(save)}
      onCancel={onClose}
      submit={webhook ? 'Save' : 'Add webhook'}
      isSaving={isSaving}
      failures={[failure]}
    >
      <TextInput label="Name" data-autofocus {...form.getInputProps('name')} />
      <TextInput label="Address" placeholder="https://example.net/alerts" {...form.getInputProps('url')} />
      <PasswordInput
        label="Secret"
        description={`Signs what is sent. It cannot be read again${hasSecret ? '; empty keeps the one there is' : ''}.`}
        autoComplete="new-password"
        disabled={takesSecretAway}
        {...form.getInputProps('secret')}
      />
      {hasSecret && (
        <Switch
          label="Take the secret away"
          {...form.getInputProps('takesSecretAway', { type: 'checkbox' })}
        />
      )}
      <Select
        label="From severity"
        allowDeselect={false}
        data={[...SEVERITIES]}
        {...form.getInputProps('leastSeverity')}
      />
      <ScaledNumber label="Waits for an answer" unit="s" {...form.getInputProps('timeoutS')} />
    </DrawerForm>
  );
}
