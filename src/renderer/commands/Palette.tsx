import { Kbd } from '@mantine/core';
import { Spotlight, type SpotlightActionGroupData } from '@mantine/spotlight';
import { IconCheck, IconSearch } from '@tabler/icons-react';
import { COMMAND_GROUPS } from '../../shared/commands.ts';
import { giveCommand } from './CommandKeys.tsx';
import { keyCaps } from './keys.ts';
import classes from './Palette.module.css';
import { ordered, useCommands } from './registry.ts';

/** Every command there is, found by typing. One that cannot be given now stays listed and says why. */
export function Palette() {
  const commands = ordered(useCommands((s) => s.commands)).filter(({ id }) => id !== 'view.palette');
  const groups = COMMAND_GROUPS.map(
    (group): SpotlightActionGroupData => ({
      group,
      actions: commands
        .filter((command) => command.group === group)
        .map(({ id, title, shortcut, blocked, checked }) => ({
          id,
          label: title,
          ...(blocked === null ? {} : { description: `Not now: ${blocked}` }),
          'data-blocked': blocked === null ? undefined : true,
          leftSection: checked ? <IconCheck size={14} aria-label="on" /> : <span className={classes.mark} />,
          rightSection: shortcut && (
            <span aria-hidden>
              {keyCaps(shortcut).map((cap) => (
                <Kbd key={cap} size="xs" ml={4}>
                  {cap}
                </Kbd>
              ))}
            </span>
          ),
          onClick: () => giveCommand(id),
        })),
    }),
  ).filter(({ actions }) => actions.length > 0);
  return (
    <Spotlight
      actions={groups}
      // Ctrl/Cmd-K is a command like any other, so the shortcut is the registry's business.
      shortcut={null}
      scrollable
      attributes={{ content: { 'aria-label': 'Commands' } }}
      maxHeight={420}
      overlayProps={{ blur: 0, backgroundOpacity: 0.25 }}
      nothingFound="No command of that name"
      searchProps={{
        placeholder: 'Search commands',
        'aria-label': 'Search commands',
        leftSection: <IconSearch size={16} />,
      }}
      classNames={{ action: classes.action!, actionsGroup: classes.group! }}
    />
  );
}
