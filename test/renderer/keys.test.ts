import { describe, expect, it } from 'vitest';
import { keyCaps, matches } from '../../src/renderer/commands/keys.ts';
import { COMMANDS } from '../../src/shared/commands.ts';

const press = (key: string, modifiers: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey', boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...modifiers,
});

describe('shortcuts', () => {
  it('take Mod as Ctrl, and as Cmd on macOS', () => {
    expect(matches('Mod+k', press('k', { ctrlKey: true }), false)).toBe(true);
    expect(matches('Mod+k', press('k', { metaKey: true }), false)).toBe(false);
    expect(matches('Mod+k', press('k', { metaKey: true }), true)).toBe(true);
    expect(matches('Mod+k', press('k', { ctrlKey: true }), true)).toBe(false);
  });

  it('without Mod leave combinations to the browser', () => {
    expect(matches('a', press('a'), false)).toBe(true);
    expect(matches('a', press('a', { ctrlKey: true }), false)).toBe(false);
    expect(matches('a', press('a', { altKey: true }), false)).toBe(false);
  });

  it('do not care about caps lock', () => {
    expect(matches('a', press('A'), false)).toBe(true);
  });

  it('are printed as the keys are labelled', () => {
    expect(keyCaps('Mod+k', false)).toEqual(['Ctrl', 'K']);
    expect(keyCaps('Mod+k', true)).toEqual(['⌘', 'K']);
    expect(keyCaps('Delete', false)).toEqual(['Delete']);
  });

  it('and ids are each given once', () => {
    const ids = COMMANDS.map(({ id }) => id);
    const shortcuts = COMMANDS.flatMap((command) =>
      'shortcut' in command ? [command.shortcut.toLowerCase()] : [],
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(shortcuts).size).toBe(shortcuts.length);
  });
});
