import { Tooltip, UnstyledButton } from '@mantine/core';
import { usePrivacy } from '../../../lab/privacy.ts';
import { Badges } from '../../../parts/Badges.tsx';
import { hueOf } from '../hue.ts';
import type { Row } from './columns.tsx';
import classes from './NameCell.module.css';

/** Swatch, name and badges. The swatch puts the route into the chart and takes it out; the name shows it alone. */
export function NameCell({ route, status, plotted, onToggle }: Row) {
  const masked = usePrivacy((s) => s.masked);
  return (
    <div className={classes.name}>
      <Tooltip label={plotted ? 'In the chart' : 'Add to the chart'}>
        <UnstyledButton
          className={classes.swatch!}
          aria-label={`${route.name} in the chart`}
          aria-pressed={plotted}
          data-testid={`route-${route.id}-plot`}
          style={{ '--hue': hueOf(route) }}
          onClick={(event) => {
            event.stopPropagation();
            onToggle();
          }}
        >
          <span />
        </UnstyledButton>
      </Tooltip>
      <button
        type="button"
        className={classes.label}
        title={masked ? route.name : `${route.name} · ${route.host}:${route.port}`}
      >
        {route.name}
      </button>
      <Badges
        emulated={status?.emulated ?? route.emulation !== null}
        insecure={status?.insecure ?? route.insecure}
        declared={route.declared}
      />
    </div>
  );
}
