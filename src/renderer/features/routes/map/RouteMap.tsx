import { useElementSize } from '@mantine/hooks';
import { useMemo, useRef } from 'react';
import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { formatDuration, formatPercent } from '../../../../shared/units.ts';
import { useLive } from '../../../lab/live.ts';
import { usePrivacy } from '../../../lab/privacy.ts';
import { hueOf } from '../hue.ts';
import type { ViewControl } from '../view.ts';
import { layoutMap, type MapLine } from './layout.ts';
import classes from './RouteMap.module.css';

const SPACING = { least: 42, most: 64 };
const CLIENT = { width: 22, height: 76 };
const NODE_HEIGHT = 22;
const MARGIN = 10;
/** Average width of a letter of the map's text, in pixels. */
const LETTER = 6.3;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** The routes as a graph: this machine, the emulated paths, the endpoints, with the live latency on the edges. */
export function RouteMap({ routes, view }: { routes: readonly Route[]; view: ViewControl }) {
  const { ref, width, height } = useElementSize<HTMLElement>();
  const statuses = useLive((s) => s.statuses);
  const masked = usePrivacy((s) => s.masked);
  const layout = useMemo(() => layoutMap(routes, height, SPACING), [routes, height]);
  const lines = useRef<SVGSVGElement>(null);

  const endpointWidth = clamp(width * 0.26, 88, 200);
  const pathWidth = clamp(width * 0.2, 76, 128);
  const clientX = MARGIN + CLIENT.width;
  const endpointX = width - MARGIN - endpointWidth;
  // The edge into the path carries the latency and the name, the one out of it the loss only.
  const pathX = clientX + (endpointX - clientX - pathWidth) * 0.68;

  const move = (event: React.KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    const nodes = [...lines.current!.querySelectorAll<SVGGElement>('[role="button"]')];
    nodes[nodes.indexOf(document.activeElement as SVGGElement) + step]?.focus();
    event.preventDefault();
  };

  return (
    <section className={classes.map} ref={ref} aria-label="Map of routes" tabIndex={-1}>
      {width > 0 && (
        // biome-ignore lint/a11y/useSemanticElements: SVG has no fieldset.
        <svg
          ref={lines}
          width={width}
          height={layout.height}
          role="group"
          aria-label="Routes from this machine to their endpoints"
          onKeyDown={move}
        >
          <defs>
            <pattern
              id="map-hatch"
              width="6"
              height="6"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect width="6" height="6" fill="var(--paper)" />
              <line y2="6" stroke="var(--line)" strokeWidth="2" />
            </pattern>
          </defs>
          {layout.lines.map((line) => (
            <Line
              key={line.route.id}
              line={line}
              status={statuses[line.route.id]}
              selected={view.selected === line.route}
              onSelect={(add) => (add ? view.toggle(line.route.id) : view.select(line.route.id))}
              from={{ x: clientX, y: layout.clientY }}
              path={{ x: pathX, width: pathWidth }}
              to={{ x: endpointX, y: layout.endpoints[line.endpoint]!.y }}
            />
          ))}
          {/* After all edges, so that none is drawn across a number. */}
          {layout.lines.map((line) => (
            <Labels
              key={line.route.id}
              line={line}
              status={statuses[line.route.id]}
              selected={view.selected === line.route}
              from={{ x: clientX, y: layout.clientY }}
              path={{ x: pathX, width: pathWidth }}
            />
          ))}
          <g className={classes.node}>
            <rect
              x={MARGIN}
              y={layout.clientY - CLIENT.height / 2}
              width={CLIENT.width}
              height={CLIENT.height}
              rx={3}
            />
            <text
              transform={`translate(${MARGIN + CLIENT.width / 2} ${layout.clientY}) rotate(-90)`}
              textAnchor="middle"
            >
              This lab
            </text>
          </g>
          {layout.endpoints.map(({ address, y }, index) => (
            <g key={address} className={classes.node}>
              <title>{masked ? `host-${index + 1}` : address}</title>
              <rect x={endpointX} y={y - NODE_HEIGHT / 2} width={endpointWidth} height={NODE_HEIGHT} rx={3} />
              <text x={endpointX + endpointWidth / 2} y={y} textAnchor="middle">
                {shorten(masked ? `host-${index + 1}` : address, Math.floor((endpointWidth - 8) / LETTER), 6)}
              </text>
            </g>
          ))}
        </svg>
      )}
    </section>
  );
}

/** As much of a text as fits, with its last `tail` letters: ports stand at the end of addresses. */
function shorten(text: string, letters: number, tail = 0): string {
  if (text.length <= letters) return text;
  if (tail === 0) return `${text.slice(0, letters - 1)}…`;
  return `${text.slice(0, letters - tail - 1)}…${text.slice(-tail)}`;
}

type LabelsProps = Pick<LineProps, 'line' | 'status' | 'selected' | 'from' | 'path'>;

/** The words and numbers of a line. Screen readers have them from its button. */
function Labels({ line: { route, y, path: profile }, status, selected, from, path }: LabelsProps) {
  const state = status?.state ?? 'stopped';
  const p50 = status?.ping?.rttUs?.p50 ?? null;
  const loss = status?.ping?.lossRatio ?? null;
  const measured = state === 'up' || state === 'connecting';
  const pathEnd = profile === null ? path.x : path.x + path.width;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a group without a tab index takes no focus.
    <g
      className={`${classes.line} ${classes.labels}`}
      data-state={state}
      data-selected={selected}
      aria-hidden="true"
    >
      <text
        className={classes.latency}
        x={path.x - 6}
        y={y - 9}
        textAnchor="end"
        data-testid={`map-${route.id}-rtt`}
      >
        {status?.silentSinceMs ? 'silent' : measured ? formatDuration(p50) : state}
      </text>
      <text className={classes.name} x={path.x - 6} y={y + 9} textAnchor="end">
        {shorten(route.name, Math.floor((path.x - from.x - 8) / LETTER))}
      </text>
      {measured && loss !== null && loss > 0 && (
        <text className={classes.loss} x={pathEnd + 6} y={y - 9}>
          {formatPercent(loss)}
        </text>
      )}
    </g>
  );
}

interface LineProps {
  line: MapLine<Route>;
  status?: RouteStatus;
  selected: boolean;
  /** `add`: beside what is shown already. */
  onSelect: (add: boolean) => void;
  from: { x: number; y: number };
  path: { x: number; width: number };
  to: { x: number; y: number };
}

function Line({ line, status, selected, onSelect, from, path, to }: LineProps) {
  const { route, y, path: profile } = line;
  const state = status?.state ?? 'stopped';
  const p50 = status?.ping?.rttUs?.p50 ?? null;
  const loss = status?.ping?.lossRatio ?? null;
  const pathEnd = profile === null ? path.x : path.x + path.width;
  // Each edge bends next to the node that edges share, and is level where its number stands.
  const bend = Math.min(40, (path.x - from.x) * 0.28);
  const incoming = `M${from.x} ${from.y} C${from.x + bend} ${from.y} ${from.x} ${y} ${from.x + bend} ${y} H${path.x}`;
  const outgoing = `M${pathEnd} ${y} H${to.x - bend} C${to.x} ${y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
  const summary = [
    `${route.name}: ${state}`,
    profile === null ? null : `emulated path ${profile}`,
    p50 === null ? null : `RTT p50 ${formatDuration(p50)}`,
    loss === null ? null : `loss ${formatPercent(loss)}`,
  ]
    .filter((part) => part !== null)
    .join(', ');
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button.
    <g
      role="button"
      tabIndex={0}
      aria-pressed={selected}
      className={classes.line}
      data-state={state}
      data-selected={selected}
      style={{ '--hue': hueOf(route) }}
      onClick={(event) => onSelect(event.ctrlKey || event.metaKey || event.shiftKey)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onSelect(event.ctrlKey || event.metaKey);
      }}
    >
      <title>{summary}</title>
      <path className={classes.hit} d={`${incoming} ${outgoing}`} />
      <path className={classes.edge} d={`${incoming} ${outgoing}`} />
      {profile !== null && (
        <>
          <rect
            className={classes.path}
            x={path.x}
            y={y - NODE_HEIGHT / 2}
            width={path.width}
            height={NODE_HEIGHT}
            rx={3}
            fill="url(#map-hatch)"
          />
          <text className={classes.profile} x={path.x + path.width / 2} y={y} textAnchor="middle">
            {shorten(profile, Math.floor((path.width - 8) / LETTER))}
          </text>
        </>
      )}
    </g>
  );
}
