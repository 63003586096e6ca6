import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useState } from 'react';
import type { Setting } from '../../../shared/config/settings.ts';
import { CommandButton } from '../../commands/CommandButton.tsx';
import { useBindCommands } from '../../commands/registry.ts';
import { client, useConnection } from '../../lab/connection.ts';
import { errorAdvice } from '../../lab/errors.ts';
import { orpc, queryClient, useSettings } from '../../lab/queries.ts';
import { attempt, useBusy } from '../../parts/attempt.ts';
import { Heads } from '../../parts/NumberTable.tsx';
import { Failed, Page, PageHead } from '../../parts/Page.tsx';
import words from '../../parts/Words.module.css';
import { clockTime } from '../../theme/clock.ts';
import { SettingField } from './SettingField.tsx';
import classes from './SettingsPage.module.css';
import { changesOf, type Draft, draftOf, EDITORS, faultsOf, shown, sourceOf, USE_WORDS } from './values.ts';

const NONE: Setting[] = [];
const settingsKey = orpc.settings.get.queryKey();

export function SettingsPage() {
  const query = useSettings();
  const settings = query.data?.settings ?? NONE;
  const file = query.data?.file ?? null;
  const online = useConnection((s) => s.phase === 'online');
  const busy = useBusy((s) => s.busy.has('settings'));
  /** What was typed and not saved. */
  const [typed, setTyped] = useState<Draft>({});
  const draft = { ...draftOf(settings), ...typed };
  const faults = faultsOf(draft);
  const changes = changesOf(settings, draft);
  const count = Object.keys(changes).length;
  const own = settings.filter(({ source }) => source.kind === 'lab');

  const send = (values: Record<string, string | number | null>, done: string): Promise<void> =>
    attempt('settings', 'The settings were not changed', async () => {
      queryClient.setQueryData(settingsKey, await client.settings.update({ values }));
      setTyped({});
      notifications.show({ message: done, autoClose: 3000 });
    });
  const unreachable = online ? (busy ? 'a request is under way' : null) : 'the lab is unreachable';
  useBindCommands([
    {
      command: 'settings.save',
      run: () => send(changes, 'Saved.'),
      blocked:
        unreachable ??
        (Object.keys(faults).length > 0
          ? 'a field is not valid'
          : count === 0
            ? 'nothing was changed'
            : null),
    },
    {
      command: 'settings.discard',
      run: () => setTyped({}),
      blocked: Object.keys(typed).length === 0 ? 'nothing was changed' : null,
    },
    {
      command: 'settings.reset',
      run: () =>
        send(
          Object.fromEntries(own.map(({ path }) => [path, null])),
          'Every setting is at its default again.',
        ),
      blocked: unreachable ?? (own.length === 0 ? 'no setting was changed here' : null),
    },
  ]);
  useEffect(() => {
    // A page that is left takes its unsaved words along; the browser asks first.
    if (count === 0) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [count]);

  if (query.error !== null && query.data === undefined)
    return <Failed title="The settings cannot be read" error={query.error} onRetry={() => query.refetch()} />;
  return (
    <Page>
      <PageHead
        title="Settings"
        counts={`${settings.filter(({ source }) => source.kind !== 'default').length} set`}
      >
        <CommandButton command="settings.reset">Reset</CommandButton>
        <CommandButton command="settings.discard">Discard</CommandButton>
        <CommandButton command="settings.save">Save</CommandButton>
      </PageHead>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section className={classes.body} aria-label="Settings" tabIndex={0}>
        {file !== null && (
          <p className={classes.file} data-testid="settings-file">
            {file.readAtMs === null
              ? `There is no ${file.path}; it is read when it comes.`
              : `${file.path}, read at ${clockTime(file.readAtMs)}. It goes before what is set here.`}
          </p>
        )}
        {file?.error && (
          <p className={classes.fault} role="alert">
            The newest version is not in use. {errorAdvice(file.error)}
          </p>
        )}
        <section>
          <h2>Kept in the lab</h2>
          <div className={classes.form}>
            {settings
              .filter(({ path }) => path in EDITORS)
              .map((setting) => (
                <SettingField
                  key={setting.path}
                  setting={setting}
                  editor={EDITORS[setting.path]!}
                  value={draft[setting.path]!}
                  error={faults[setting.path] ?? null}
                  from={sourceOf(setting, file?.path ?? null)}
                  onChange={(value) => setTyped((before) => ({ ...before, [setting.path]: value }))}
                />
              ))}
          </div>
        </section>
        <section>
          <h2>This browser</h2>
          <Button.Group>
            <CommandButton command="alerts.notify" />
            <CommandButton command="view.mask" />
          </Button.Group>
        </section>
        <section>
          <h2>Everything that holds</h2>
          <table className={classes.table} data-testid="settings-table">
            <Heads headers={['Setting', 'Value', 'From', 'Use']} />
            <tbody>
              {settings.map((setting) => (
                <tr key={setting.path} data-testid={`setting-${setting.path}`}>
                  <th scope="row">{setting.path}</th>
                  <td>{shown(setting)}</td>
                  <td className={setting.source.kind === 'default' ? words.dim : undefined}>
                    {sourceOf(setting, file?.path ?? null)}
                  </td>
                  <td className={words.dim}>{USE_WORDS[setting.use]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </section>
    </Page>
  );
}
