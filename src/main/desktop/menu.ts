/** The application menu, made from the one command registry. */
import type { MenuItemConstructorOptions } from 'electron';
import { COMMAND_GROUPS, COMMANDS, type CommandDescriptor } from '../../shared/commands.ts';

/** `Mod+k` as Electron writes it: `CmdOrCtrl+K`. */
const accelerator = (shortcut: string): string =>
  shortcut
    .replace('Mod', 'CmdOrCtrl')
    .replace(/\+([a-z])$/, (_match, key: string) => `+${key.toUpperCase()}`);

function item(command: CommandDescriptor, run: (id: string) => void): MenuItemConstructorOptions {
  const { id, title, shortcut } = command;
  if (shortcut === undefined) return { id, label: title, click: () => run(id) };
  return {
    id,
    label: title,
    accelerator: accelerator(shortcut),
    // The page handles every shortcut itself, and only it knows when text is being typed.
    registerAccelerator: false,
    click: () => run(id),
  };
}

export function menuTemplate(
  platform: NodeJS.Platform,
  run: (id: string) => void,
): MenuItemConstructorOptions[] {
  const own = COMMAND_GROUPS.map(
    (group): MenuItemConstructorOptions => ({
      label: group,
      submenu: COMMANDS.filter((command) => command.group === group).map((command) => item(command, run)),
    }),
  );
  const application: MenuItemConstructorOptions =
    platform === 'darwin' ? { role: 'appMenu' } : { label: 'File', submenu: [{ role: 'quit' }] };
  return [application, { role: 'editMenu' }, ...own, { role: 'windowMenu' }];
}
