import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import classes from './removed.module.css';

/** Says that something was removed and what becomes of it, with a way back. */
export const showRemoved = (subject: string, words: string, onUndo: () => void): void =>
  void notifications.show({
    id: `removed-${subject}`,
    message: (
      <span className={classes.notice}>
        Removed {words}
        <Button onClick={onUndo}>Undo</Button>
      </span>
    ),
    autoClose: 12_000,
  });

/** The way back was taken. */
export const takeBack = (subject: string): void => void notifications.hide(`removed-${subject}`);
