import { Button } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useMemo, useState } from 'react';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { keyCaps } from '../../../commands/keys.ts';
import { useBindCommands } from '../../../commands/registry.ts';
import { CongestionCanvas } from './CongestionCanvas.tsx';
import classes from './CongestionView.module.css';
import type { Window } from './decimate.ts';
import { standAfter } from './keys.ts';
import { layoutOf } from './panels.ts';
import { PhaseLegend, Readings } from './Readings.tsx';
import { formatMoment, spoken, summarise } from './readings.ts';
import { TraceTable } from './TraceTable.tsx';
import type { CongestionTrace } from './trace.ts';
import { panned, type Viewport, WHOLE, windowOf, zoomed } from './viewport.ts';

/** One flow in the view. */
export interface FlowPlot {
  id: string;
  name: string;
  trace: CongestionTrace;
}

interface Props {
  /** One flow, or two that are compared. */
  flows: readonly FlowPlot[];
  /** Counts the changes of the traces, which are not React's. */
  version: number;
  /** How long the flow is going to last at least, microseconds: room is kept for what has yet to come. */
  expectedUs: number;
  /** Words in place of the lines while there are none: why, or what failed. */
  notice: { text: string; isFault: boolean } | null;
  /** Told, once it rests, which part is looked at on how many pixels: there may be more samples of it. */
  onLook: (window: Window, columns: number) => void;
}

const REST_MS = 200;

/** What a congestion controller did: phases, windows, rates and round trips of a flow on one axis of time. */
export function CongestionView({ flows, version, expectedUs, notice, onLook }: Props) {
  const { ref, width, height } = useElementSize();
  const [viewport, setViewport] = useState<Viewport>(WHOLE);
  const [pointedUs, setPointedUs] = useState<number | null>(null);
  const [isTable, setTable] = useState(false);

  const endUs = Math.max(0, ...flows.map(({ trace }) => trace.endUs));
  const wholeUs = Math.max(endUs, expectedUs);
  const window = windowOf(viewport, wholeUs);
  const layout = useMemo(() => layoutOf(width, height, flows.length), [width, height, flows.length]);
  const isEmpty = flows.every(({ trace }) => trace.length === 0 && trace.phases.length === 0);
  // Without a cursor the readings are those of the newest moment on screen.
  const atUs = pointedUs ?? Math.min(endUs, window.toUs);

  const { fromUs, toUs } = window;
  useEffect(() => {
    if (isEmpty) return;
    const timer = setTimeout(() => onLook({ fromUs, toUs }, layout.width), REST_MS);
    return () => clearTimeout(timer);
  }, [onLook, fromUs, toUs, layout.width, isEmpty]);

  const zoom = (factor: number): void =>
    setViewport(zoomed(viewport, wholeUs, factor, pointedUs ?? (window.fromUs + window.toUs) / 2));
  const none = isEmpty ? 'there are no samples' : null;
  const whole = none ?? (viewport === WHOLE ? 'all of it is shown' : null);
  useBindCommands([
    { command: 'trace.zoomIn', run: () => zoom(0.5), blocked: none },
    { command: 'trace.zoomOut', run: () => zoom(2), blocked: whole },
    { command: 'trace.whole', run: () => setViewport(WHOLE), blocked: whole },
    { command: 'chart.table', run: () => setTable(!isTable), blocked: none, checked: isTable },
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the traces.
  const words = useMemo(
    () => flows.map(({ name, trace }) => summarise(name, trace, window)),
    [flows, version, window.fromUs, window.toUs],
  );

  const press = (event: React.KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const stand = standAfter(
      event,
      { viewport, cursorUs: pointedUs },
      { trace: flows[0]!.trace, endUs, wholeUs, columns: layout.width },
    );
    if (stand === null) return;
    setViewport(stand.viewport);
    setPointedUs(stand.cursorUs);
    event.preventDefault();
  };

  return (
    <figure className={classes.view} data-testid="congestion">
      <div className={classes.head} data-flows={flows.length}>
        <PhaseLegend flows={flows} />
        <span className={classes.hint}>{keyCaps('Mod+wheel').join(' + ')} zooms</span>
        <Button.Group>
          <CommandButton command="trace.zoomIn">In</CommandButton>
          <CommandButton command="trace.zoomOut">Out</CommandButton>
          <CommandButton command="trace.whole">Whole</CommandButton>
        </Button.Group>
        <CommandButton command="chart.table">Table</CommandButton>
      </div>
      {isTable ? (
        <TraceTable flows={flows} window={window} />
      ) : (
        <div
          ref={ref}
          className={classes.stage}
          role="slider"
          tabIndex={0}
          aria-label="Time cursor"
          aria-valuemin={Math.round(window.fromUs)}
          aria-valuemax={Math.round(window.toUs)}
          aria-valuenow={Math.round(atUs)}
          aria-valuetext={`${formatMoment(atUs)}: ${flows.map(({ name, trace }) => spoken(name, trace, atUs)).join('; ')}`}
          data-testid="trace-cursor"
          onKeyDown={press}
          onBlur={() => setPointedUs(null)}
        >
          <CongestionCanvas
            flows={flows}
            version={version}
            window={window}
            layout={layout}
            height={height}
            cursorUs={pointedUs}
            onPoint={setPointedUs}
            onZoom={(factor, aboutUs) => setViewport(zoomed(viewport, wholeUs, factor, aboutUs))}
            onPan={(share) => setViewport(panned(viewport, wholeUs, share))}
            onShow={setViewport}
            wholeUs={wholeUs}
          />
          <Readings flows={flows} layout={layout} atUs={atUs} isLive={pointedUs === null} />
          {isEmpty && notice && (
            <p
              className={classes.notice}
              data-fault={notice.isFault}
              role={notice.isFault ? 'alert' : undefined}
            >
              {notice.text}
            </p>
          )}
        </div>
      )}
      <figcaption
        className={classes.summary}
        title={words.join('\n')}
        data-flows={flows.length}
        data-testid="trace-summary"
      >
        {isEmpty ? 'No samples.' : words.map((sentence, flow) => <div key={flows[flow]!.id}>{sentence}</div>)}
      </figcaption>
    </figure>
  );
}
