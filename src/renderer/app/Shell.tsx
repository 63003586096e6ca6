import { ActionIcon, Menu, Tooltip, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { spotlight } from '@mantine/spotlight';
import {
  IconActivityHeartbeat,
  IconBrightness,
  IconCheck,
  IconFlask,
  IconHeartRateMonitor,
  IconKeyboard,
  IconRoute,
  IconSearch,
  IconSettings,
} from '@tabler/icons-react';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { CommandId } from '../../shared/commands.ts';
import { CommandKeys } from '../commands/CommandKeys.tsx';
import { KeySheet } from '../commands/KeySheet.tsx';
import { keyCaps } from '../commands/keys.ts';
import { Palette } from '../commands/Palette.tsx';
import { descriptorOf, runCommand, useBindCommands, useCommands } from '../commands/registry.ts';
import { setNotify, useAlertFeed, useAlerts, useNotify } from '../lab/alerts.ts';
import { connect, signOut, useConnection } from '../lab/connection.ts';
import { useLiveFeed } from '../lab/live.ts';
import { setMasked, usePrivacy } from '../lab/privacy.ts';
import { useFreshQueries, useLabInfo } from '../lab/queries.ts';
import { storedToken } from '../lab/token.ts';
import { LostBanner } from './LostBanner.tsx';
import classes from './Shell.module.css';
import { StatusBar } from './StatusBar.tsx';

export function Shell() {
  const [keysShown, setKeysShown] = useState(false);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const online = useConnection((s) => s.phase === 'online');
  const { data: lab } = useLabInfo();
  const notifies = useNotify((s) => s.on);
  const masked = usePrivacy((s) => s.masked);
  const navigate = useNavigate();
  useLiveFeed();
  useAlertFeed();
  useFreshQueries();
  useBindCommands([
    { command: 'view.routes', run: () => navigate({ to: '/routes' }) },
    { command: 'view.probe', run: () => navigate({ to: '/probe' }) },
    { command: 'view.experiments', run: () => navigate({ to: '/experiments' }) },
    { command: 'view.monitoring', run: () => navigate({ to: '/monitoring' }) },
    { command: 'view.settings', run: () => navigate({ to: '/settings' }) },
    { command: 'view.palette', run: spotlight.toggle },
    { command: 'view.light', run: () => setColorScheme('light'), checked: colorScheme === 'light' },
    { command: 'view.dark', run: () => setColorScheme('dark'), checked: colorScheme === 'dark' },
    { command: 'view.system', run: () => setColorScheme('auto'), checked: colorScheme === 'auto' },
    { command: 'view.mask', run: () => setMasked(!masked), checked: masked },
    {
      command: 'alerts.notify',
      run: () => setNotify(!notifies),
      checked: notifies,
      blocked: lab?.host === 'desktop' ? 'the desktop notifies by itself' : null,
    },
    { command: 'help.keys', run: () => setKeysShown(true) },
    {
      command: 'lab.signOut',
      run: signOut,
      blocked: storedToken() === null ? 'this lab wants no token' : null,
    },
    { command: 'lab.reconnect', run: connect, blocked: online ? 'the lab is connected' : null },
  ]);
  return (
    <div className={classes.shell}>
      <nav className={classes.rail} aria-label="Pages">
        <Link to="/routes" className={classes.page!} activeProps={{ 'aria-current': 'page' }}>
          <IconRoute size={20} stroke={1.5} aria-hidden />
          Routes
        </Link>
        <Link to="/probe" className={classes.page!} activeProps={{ 'aria-current': 'page' }}>
          <IconActivityHeartbeat size={20} stroke={1.5} aria-hidden />
          Probe
        </Link>
        <Link to="/experiments" className={classes.page!} activeProps={{ 'aria-current': 'page' }}>
          <IconFlask size={20} stroke={1.5} aria-hidden />
          Experiments
        </Link>
        <Link to="/monitoring" className={classes.page!} activeProps={{ 'aria-current': 'page' }}>
          <IconHeartRateMonitor size={20} stroke={1.5} aria-hidden />
          <AlertBadge />
          Monitor
        </Link>
        <Link to="/settings" className={classes.page!} activeProps={{ 'aria-current': 'page' }}>
          <IconSettings size={20} stroke={1.5} aria-hidden />
          Settings
        </Link>
        <div className={classes.tools}>
          <Tool command="view.palette" icon={<IconSearch size={18} stroke={1.5} />} />
          <Appearance />
          <Tool command="help.keys" icon={<IconKeyboard size={18} stroke={1.5} />} />
        </div>
      </nav>
      <main className={classes.main}>
        <Outlet />
      </main>
      <StatusBar />
      <LostBanner />
      <Palette />
      <KeySheet opened={keysShown} onClose={() => setKeysShown(false)} />
      <CommandKeys />
    </div>
  );
}

/** How many alerts fire that nobody looks after yet. */
function AlertBadge() {
  const count = useAlerts(
    (s) => s.board?.firing.filter(({ acknowledgedAtMs }) => acknowledgedAtMs === null).length ?? 0,
  );
  if (count === 0) return null;
  return (
    <span className={classes.badge} data-testid="alert-badge">
      {count}
      <VisuallyHidden> {count === 1 ? 'alert fires' : 'alerts fire'}: </VisuallyHidden>
    </span>
  );
}

function Tool({ command, icon }: { command: CommandId; icon: React.ReactNode }) {
  const { title, shortcut } = descriptorOf(command);
  return (
    <Tooltip label={shortcut ? `${title} (${keyCaps(shortcut).join(' ')})` : title} position="right">
      <ActionIcon size={32} aria-label={title} onClick={() => runCommand(command)}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

const APPEARANCES: readonly CommandId[] = ['view.system', 'view.light', 'view.dark'];

function Appearance() {
  const commands = useCommands((s) => s.commands);
  return (
    <Menu position="right-end">
      <Menu.Target>
        <Tooltip label="Appearance" position="right">
          <ActionIcon size={32} aria-label="Appearance">
            <IconBrightness size={18} stroke={1.5} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {APPEARANCES.map((id) => (
          <Menu.Item
            key={id}
            onClick={() => runCommand(id)}
            leftSection={
              commands.get(id)?.checked ? (
                <IconCheck size={14} aria-label="on" />
              ) : (
                <span className={classes.mark} />
              )
            }
          >
            {descriptorOf(id).title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
