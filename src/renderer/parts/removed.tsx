import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import classes from './removed.module.css';

/** Says that something was removed, with a way back. */
export const showRemoved = (subject: string, name: string, onUndo: () => void): void =>
  void notifications.show({
    id: `removed-${subject}`,
    message: (
      <span className={classes.notice}>
        Removed {name}; its measurements are kept.
        <Button onClick={onUndo}>Undo</Button>
      </span>
    ),
    autoClose: 12_000,
  });

/** The way back was taken. */
export const takeBack = (subject: string): void => void notifications.hide(`removed-${subject}`);
