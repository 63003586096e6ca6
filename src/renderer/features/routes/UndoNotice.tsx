import { Button } from '@mantine/core';
import type { Route } from '../../../shared/domain.ts';
import classes from './UndoNotice.module.css';

export const UndoNotice = ({ route, onUndo }: { route: Pick<Route, 'name'>; onUndo: () => void }) => (
  <span className={classes.notice}>
    Removed {route.name}; its measurements are kept.
    <Button onClick={onUndo}>Undo</Button>
  </span>
);
