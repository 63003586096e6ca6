import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import {
  IconDots,
  IconPencil,
  IconPlayerPlayFilled,
  IconPlayerStopFilled,
  IconTrash,
} from '@tabler/icons-react';
import type { Route } from '../../../../shared/domain.ts';
import { useConnection } from '../../../lab/connection.ts';
import { useBusy } from '../../../parts/attempt.ts';
import { removeRoute, setEnabled } from '../actions.ts';
import classes from './RowActions.module.css';

export function RowActions({ route, onEdit }: { route: Route; onEdit: () => void }) {
  const online = useConnection((s) => s.phase === 'online');
  const busy = useBusy((s) => s.busy.has(route.id));
  const blocked = !online ? 'The lab is unreachable' : busy ? 'A request is under way' : null;
  const toggle = `${route.enabled ? 'Stop' : 'Start'} ${route.name}`;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: only keeps clicks from the row.
    <div className={classes.actions} onClick={(event) => event.stopPropagation()}>
      <Tooltip label={blocked ?? toggle}>
        <ActionIcon
          aria-label={toggle}
          aria-disabled={blocked !== null}
          data-disabled={blocked === null ? undefined : true}
          data-testid={`route-${route.id}-toggle`}
          onClick={() => blocked === null && setEnabled(route, !route.enabled)}
        >
          {route.enabled ? <IconPlayerStopFilled size={14} /> : <IconPlayerPlayFilled size={14} />}
        </ActionIcon>
      </Tooltip>
      <Menu>
        <Menu.Target>
          <ActionIcon aria-label={`More for ${route.name}`} data-testid={`route-${route.id}-more`}>
            <IconDots size={15} stroke={1.5} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconPencil size={15} stroke={1.5} />}
            disabled={!online || route.declared}
            onClick={onEdit}
          >
            Edit
          </Menu.Item>
          <Menu.Item
            leftSection={<IconTrash size={15} stroke={1.5} />}
            disabled={blocked !== null || route.declared}
            onClick={() => removeRoute(route)}
          >
            Remove
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
