/** Shortcuts as `shared/commands.ts` writes them: matched against key events and shown to people. */

const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);

interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** Whether a key press is the shortcut. Shift is part of `key` (`?`), so it is not looked at. */
export function matches(shortcut: string, press: KeyPress, mac = isMac()): boolean {
  const wantsMod = shortcut.startsWith('Mod+');
  const key = wantsMod ? shortcut.slice('Mod+'.length) : shortcut;
  const mod = mac ? press.metaKey : press.ctrlKey;
  const other = mac ? press.ctrlKey : press.metaKey;
  return press.key.toLowerCase() === key.toLowerCase() && mod === wantsMod && !other && !press.altKey;
}

/** The keys of a shortcut as they are printed on them: `['Ctrl', 'K']`. */
export const keyCaps = (shortcut: string, mac = isMac()): string[] =>
  shortcut
    .split('+')
    .map((key) => (key === 'Mod' ? (mac ? '⌘' : 'Ctrl') : key.length === 1 ? key.toUpperCase() : key));

/** Whether the element under the keyboard wants plain keys for itself: a text field, a list, an open dialog. */
export const keepsPlainKeys = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest(
    'input:not([type="radio"], [type="checkbox"]), textarea, select, [contenteditable], [role="dialog"], [role="menu"], [role="listbox"]',
  ) !== null;
