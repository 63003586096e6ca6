import { Button, type ButtonProps, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CommandId } from '../../shared/commands.ts';
import classes from './CommandButton.module.css';
import { keyCaps } from './keys.ts';
import { descriptorOf, runCommand, useCommands } from './registry.ts';

interface Props extends ButtonProps {
  command: CommandId;
  /** The words on the button, when shorter than the command's title. */
  children?: ReactNode;
  /** Where the command's title appears; by default above, unless there is something that must stay in sight. */
  tip?: 'bottom' | 'right';
}

/** A button that gives a command: its words, shortcut and state come from the registry, and so does why it cannot. */
export function CommandButton({ command: id, children, tip, ...props }: Props) {
  const command = useCommands((s) => s.commands.get(id));
  const { title, shortcut } = descriptorOf(id);
  const blocked = command ? command.blocked : 'not available';
  const label = blocked ?? (shortcut ? `${title} (${keyCaps(shortcut).join(' ')})` : title);
  return (
    <Tooltip label={label} {...(tip && { position: tip })}>
      <Button
        {...props}
        className={classes.button!}
        // A disabled element shows no tooltip, and so could not say why.
        data-disabled={blocked === null ? undefined : true}
        aria-disabled={blocked !== null}
        aria-pressed={command?.checked ?? undefined}
        onClick={() => runCommand(id)}
      >
        {children ?? title}
      </Button>
    </Tooltip>
  );
}
