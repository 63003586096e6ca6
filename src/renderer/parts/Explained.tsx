import { Popover, Tooltip, UnstyledButton } from '@mantine/core';
import { type ReactNode, useState } from 'react';

interface Props {
  /** Name of the dialog. */
  label: string;
  width: number;
  /** What the pointer is told before the click; nothing without it. */
  tooltip?: string;
  testId: string;
  className: string | undefined;
  state?: string;
  /** The words on the button. */
  words: ReactNode;
  /** The explanation. */
  children: ReactNode;
}

/**
 * Words in a cell whose explanation is one click away. Focus goes into it, so that Escape closes it and a screen
 * reader reads it, and comes back.
 */
export function Explained({ label, width, tooltip, testId, className, state, words, children }: Props) {
  const [opened, setOpened] = useState(false);
  return (
    <Popover
      width={width}
      position="bottom-start"
      opened={opened}
      onChange={setOpened}
      shadow="sm"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <Tooltip label={tooltip} disabled={opened || tooltip === undefined}>
          <UnstyledButton
            className={className!}
            data-state={state}
            data-testid={testId}
            onClick={(event) => {
              // Only the explanation is asked for, not the row.
              event.stopPropagation();
              setOpened(!opened);
            }}
          >
            {words}
          </UnstyledButton>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown
        aria-label={label}
        aria-labelledby={undefined}
        onClick={(event) => event.stopPropagation()}
      >
        {children}
      </Popover.Dropdown>
    </Popover>
  );
}
