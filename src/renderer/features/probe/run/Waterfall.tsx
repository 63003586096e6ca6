import {
  HANDSHAKE_MARKS,
  type HandshakeMark,
  type HandshakeTrace,
} from '../../../../shared/probe-details.ts';
import { formatDuration } from '../../../../shared/units.ts';
import classes from './Detail.module.css';

/** Handshakes shown: the newest. */
const MOST_ROWS = 12;

const NAMES: Record<HandshakeMark, string> = {
  resolved: 'name resolved',
  'hello-sent': 'ClientHello sent',
  'early-sent': '0-RTT request sent',
  'first-packet': 'first packet of the server',
  'handshake-keys': 'ServerHello: handshake keys',
  certificate: 'certificate chain verified',
  complete: 'handshake complete',
  'early-answer': '0-RTT request answered',
  confirmed: 'handshake confirmed',
};

/** When each moment of each handshake came: a line each, all on one scale from the beginning of connecting. */
export function Waterfall({ handshakes }: { handshakes: readonly HandshakeTrace[] }) {
  const shown = handshakes.slice(-MOST_ROWS);
  const longestUs = Math.max(1, ...shown.flatMap(({ marks }) => marks.map(({ atUs }) => atUs)));
  const present = HANDSHAKE_MARKS.filter((mark) =>
    shown.some(({ marks }) => marks.some((each) => each.mark === mark)),
  );
  return (
    <figure className={classes.waterfall} data-testid="waterfall">
      <figcaption>
        {present.map((mark) => (
          <span key={mark} data-mark={mark}>
            <i aria-hidden /> {NAMES[mark]}
          </span>
        ))}
      </figcaption>
      {shown.map((trace) => (
        <div key={trace.atMs} className={classes.handshake} data-testid="waterfall-row">
          <span className={classes.track}>
            {trace.marks.map(({ mark, atUs }, index) => {
              const fromUs = trace.marks[index - 1]?.atUs ?? 0;
              return (
                <span
                  key={mark}
                  data-mark={mark}
                  title={`${NAMES[mark]}: ${formatDuration(atUs)}`}
                  style={{
                    left: `${(fromUs / longestUs) * 100}%`,
                    width: `${((atUs - fromUs) / longestUs) * 100}%`,
                  }}
                />
              );
            })}
          </span>
          <span className={classes.said}>
            {[
              formatDuration(trace.marks.find(({ mark }) => mark === 'complete')?.atUs ?? null),
              trace.errorCode ?? (trace.resumed ? 'resumed' : 'full'),
              trace.earlyData && `0-RTT ${trace.earlyData}`,
              trace.retried && 'Retry',
            ]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </div>
      ))}
    </figure>
  );
}
