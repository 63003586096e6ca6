import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Command,
  descriptorOf,
  ordered,
  runCommand,
  useCommands,
} from '../../src/renderer/commands/registry.ts';
import type { CommandId } from '../../src/shared/commands.ts';

const command = (id: CommandId, blocked: string | null = null): Command => ({
  ...descriptorOf(id),
  run: vi.fn(),
  blocked,
  checked: null,
});
const bind = (...commands: Command[]) =>
  useCommands.setState({ commands: new Map(commands.map((c) => [c.id, c])) });

describe('the command registry', () => {
  beforeEach(() => bind());

  it('runs a bound command', () => {
    const add = command('routes.add');
    bind(add);
    expect(runCommand('routes.add')).toBeNull();
    expect(add.run).toHaveBeenCalledOnce();
  });

  it('does not run a blocked command and says why', () => {
    const add = command('routes.add', 'the lab is unreachable');
    bind(add);
    expect(runCommand('routes.add')).toBe('the lab is unreachable');
    expect(add.run).not.toHaveBeenCalled();
  });

  it('says that a command nobody bound is not available', () => {
    expect(runCommand('routes.add')).toBe('not available on this page');
  });

  it('lists commands in the order of the catalogue, made-up ones behind them', () => {
    const show: Command = {
      id: 'routes.show.lan',
      title: 'Show LAN',
      group: 'Routes',
      run: vi.fn(),
      blocked: null,
      checked: null,
    };
    bind(show, command('help.keys'), command('routes.add'));
    expect(ordered(useCommands.getState().commands).map(({ id }) => id)).toEqual([
      'routes.add',
      'help.keys',
      'routes.show.lan',
    ]);
  });
});
