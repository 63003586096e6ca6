/**
 * The commands that can be given now. Descriptors come from `shared/commands.ts`; what a command does is bound by the
 * component that can do it, for as long as it is mounted. Buttons, palette, shortcuts and the menu read this.
 */
import { useEffect, useRef } from 'react';
import { create } from 'zustand';
import { COMMANDS, type CommandDescriptor, type CommandId } from '../../shared/commands.ts';

export interface Binding {
  /** A command of the catalogue, or one made up for what is on the page: `Show LTE`. */
  command: CommandId | CommandDescriptor;
  run: () => unknown;
  /** Why it cannot be given now; null when it can. */
  blocked?: string | null;
  /** For commands that are on or off. */
  checked?: boolean;
}

export interface Command extends CommandDescriptor {
  readonly run: () => unknown;
  readonly blocked: string | null;
  readonly checked: boolean | null;
}

type Commands = ReadonlyMap<string, Command>;

export const useCommands = create<{ commands: Commands }>(() => ({ commands: new Map() }));

const catalogue = new Map<string, CommandDescriptor>(COMMANDS.map((command) => [command.id, command]));

export const descriptorOf = (command: CommandId | CommandDescriptor): CommandDescriptor =>
  typeof command === 'string' ? catalogue.get(command)! : command;

/** The commands in the order of the catalogue, those made up by pages after those of their group. */
export const ordered = (commands: Commands): Command[] => {
  const position = new Map(COMMANDS.map(({ id }, index) => [id as string, index]));
  return [...commands.values()].sort(
    (a, b) => (position.get(a.id) ?? COMMANDS.length) - (position.get(b.id) ?? COMMANDS.length),
  );
};

/**
 * Gives a command by id. Returns why nothing was done, or null.
 */
export function runCommand(id: string): string | null {
  const command = useCommands.getState().commands.get(id);
  if (!command) return 'not available on this page';
  if (command.blocked === null) command.run();
  return command.blocked;
}

/** Binds commands while the calling component is mounted. */
export function useBindCommands(bindings: readonly Binding[]): void {
  const newest = useRef(bindings);
  newest.current = bindings;
  // What others can see of the bindings: only a change in this makes them render.
  const seen = JSON.stringify(
    bindings.map((b) => [descriptorOf(b.command).id, descriptorOf(b.command).title, b.blocked, b.checked]),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: `seen` stands for the bindings.
  useEffect(() => {
    const bound = newest.current.map(
      (binding, index): Command => ({
        ...descriptorOf(binding.command),
        run: () => newest.current[index]!.run(),
        blocked: binding.blocked ?? null,
        checked: binding.checked ?? null,
      }),
    );
    useCommands.setState(({ commands }) => ({
      commands: new Map([...commands, ...bound.map((command) => [command.id, command] as const)]),
    }));
    return () =>
      useCommands.setState(({ commands }) => {
        const rest = new Map(commands);
        for (const command of bound) if (rest.get(command.id) === command) rest.delete(command.id);
        return { commands: rest };
      });
  }, [seen]);
}
