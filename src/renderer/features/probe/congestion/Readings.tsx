import { Quantity } from '../../../parts/Quantity.tsx';
import classes from './CongestionView.module.css';
import type { FlowPlot } from './CongestionView.tsx';
import { FLOW_TOKENS, tokenOf } from './ink.ts';
import { type Layout, LEFT, type Line, PANELS } from './panels.ts';
import { statesOf, styleOf } from './phases.ts';
import { formatMoment } from './readings.ts';

interface Props {
  flows: readonly FlowPlot[];
  layout: Layout;
  atUs: number;
  isLive: boolean;
}

/** The numbers under the cursor, each panel's above it; their swatches are the legend. */
export function Readings({ flows, layout, atUs, isLive }: Props) {
  return (
    <div data-testid="trace-readings" data-flows={flows.length}>
      <div className={classes.reading} style={{ top: 0, left: LEFT }}>
        <span className={classes.moment} data-live={isLive}>
          {formatMoment(atUs)}
        </span>
        {flows.map(({ id, name, trace }, flow) => {
          const phase = trace.phaseAt(atUs);
          return (
            <span key={id} data-testid={`phase-${flow}`}>
              {flows.length > 1 && (
                <>
                  <FlowSwatch flow={flow} />
                  {name}:{' '}
                </>
              )}
              {phase ? styleOf(phase.state).label : '–'}
            </span>
          );
        })}
      </div>
      {PANELS.map(({ id, lines, format, marksLosses }, index) => (
        <div key={id} className={classes.reading} style={{ top: layout.panels[index]!.headTop, left: LEFT }}>
          {lines.map((line, number) => (
            <span key={line.name}>
              {flows.length === 1 && <Swatch line={line} token={tokenOf(0, number, 1)} />}
              <span className={classes.name}>{line.label}</span>
              {flows.map(({ id: flowId, trace }, flow) => {
                const value = trace.at(line.name, trace.indexAt(atUs));
                return (
                  <span key={flowId} className={classes.value}>
                    {flows.length > 1 && <Swatch line={line} token={tokenOf(flow, number, flows.length)} />}
                    <Quantity
                      value={value}
                      text={format(value)}
                      absent="Not known at this moment."
                      testId={flow === 0 ? `trace-${line.name}` : `trace-${line.name}-${flow}`}
                    />
                  </span>
                );
              })}
            </span>
          ))}
          {marksLosses && (
            <span>
              {flows.length === 1 && <span className={classes.loss} />}
              <span className={classes.name}>packets lost so far</span>
              {flows.map(({ id: flowId, trace }, flow) => {
                const lost = trace.at('lostPackets', trace.indexAt(atUs));
                return (
                  <span key={flowId} className={classes.value}>
                    {flows.length > 1 && <FlowSwatch flow={flow} />}
                    <Quantity value={lost} text={String(lost)} absent="Not known at this moment." />
                  </span>
                );
              })}
            </span>
          )}
        </div>
      ))}
    </div>
  );
}

/** The colour of one of two flows. */
export const FlowSwatch = ({ flow }: { flow: number }) => (
  <span className={classes.swatch} style={{ background: `var(${FLOW_TOKENS[flow]})` }} />
);

function Swatch({ line, token }: { line: Line; token: string }) {
  return <span className={classes.line} data-stroke={line.stroke} style={{ borderColor: `var(${token})` }} />;
}

/** The states that occurred, as they look on the strip. */
export function PhaseLegend({ flows }: { flows: readonly FlowPlot[] }) {
  const states = [
    ...new Set(flows.flatMap(({ trace }) => statesOf(trace.phases, trace.endUs).map(({ state }) => state))),
  ];
  return (
    <ul className={classes.legend} aria-label="Phases">
      {states.map((state) => {
        const { label, short, tone, hatch } = styleOf(state);
        return (
          <li key={state}>
            <span className={classes.tone} data-hatch={hatch} style={{ '--tone': `var(--phase-${tone})` }} />
            <abbr className={classes.short} title={label}>
              {short}
            </abbr>{' '}
            {label}
          </li>
        );
      })}
    </ul>
  );
}
