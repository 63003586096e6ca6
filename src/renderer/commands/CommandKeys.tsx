import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { keepsPlainKeys, matches } from './keys.ts';
import { runCommand, useCommands } from './registry.ts';

/** Says why a command did nothing; one that was done needs no words. */
export function giveCommand(id: string): void {
  const why = runCommand(id);
  if (why !== null) notifications.show({ id: `blocked-${id}`, message: `Not now: ${why}.`, autoClose: 3000 });
}

/** Shortcuts that text fields have no use for themselves. */
const APPLY_WHILE_TYPING: ReadonlySet<string> = new Set(['Mod+k', 'Mod+Enter', 'Mod+s']);

/** Gives commands by their shortcuts, and in the desktop by its menu. */
export function CommandKeys() {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented) return;
      for (const { id, shortcut } of useCommands.getState().commands.values()) {
        if (shortcut === undefined || !matches(shortcut, event)) continue;
        const typing = keepsPlainKeys(event.target);
        // In a text field Ctrl-Z is the field's own undo.
        if (typing && !APPLY_WHILE_TYPING.has(shortcut)) return;
        event.preventDefault();
        giveCommand(id);
        return;
      }
    };
    window.addEventListener('keydown', press);
    const stopMenu = window.routelab?.onCommand(giveCommand);
    return () => {
      window.removeEventListener('keydown', press);
      stopMenu?.();
    };
  }, []);
  return null;
}
