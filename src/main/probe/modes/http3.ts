/** Mode `http3`: GET requests to any server, each on a connection of its own. */
import packageJson from '../../../../package.json' with { type: 'json' };
import type { LabError } from '../../../shared/errors.ts';
import type { RequestFigures } from '../../../shared/probe-details.ts';
import { goodputBps, quantile } from '../../../shared/samples.ts';
import { formatDuration } from '../../../shared/units.ts';
import { type RequestSample, runRequests } from '../http3.ts';
import { H3_ALPN } from '../http3-service.ts';
import type { Mode, ModeContext } from './mode.ts';

/** Requests kept. */
const MOST_REQUESTS = 100;

export function http3Mode(context: ModeContext): Mode {
  const { plan, connect, signal } = context;
  const { durationMs, path = '/', handshake: start = 'cold' } = plan;
  const count = plan.count ?? (durationMs === undefined ? 1 : Number.POSITIVE_INFINITY);
  const samples: RequestSample[] = [];
  const rising = (of: (sample: RequestSample) => number | null): number[] =>
    samples.flatMap((sample) => of(sample) ?? []).sort((a, b) => a - b);
  const spread = (sorted: number[]) =>
    sorted.length === 0 ? null : { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  const received = (): number => samples.filter(({ totalUs }) => totalUs !== null).length;

  const measure = (): Promise<void> => {
    const host = connect.serverName ?? connect.host;
    const authority = `${host.includes(':') ? `[${host}]` : host}:${connect.port}`;
    context.begin();
    return runRequests(
      { ...connect, alpn: [H3_ALPN] },
      {
        head: {
          method: 'GET',
          scheme: 'https',
          authority,
          path,
          headers: [
            ['user-agent', `routelab/${packageJson.version}`],
            ['accept', '*/*'],
          ],
        },
        count,
        durationMs,
        resume: start !== 'cold',
        earlyData: start === '0-rtt',
        signal,
        onRequest: (sample) => samples.push(sample),
      },
    );
  };

  return {
    durationMs,
    get part() {
      return Number.isFinite(count) ? samples.length / count : 0;
    },
    get newest() {
      return `${samples.length} requests  ${formatDuration(samples.at(-1)?.totalUs ?? null)}`;
    },
    measure,
    figures: () => {
      const shakes = rising(({ handshakeUs }) => handshakeUs);
      const rates = rising(({ bodyBytes, responseUs }) =>
        bodyBytes > 0 && responseUs !== null && responseUs > 0
          ? goodputBps({ bytes: bodyBytes, durationUs: responseUs })
          : null,
      );
      const kept = samples.slice(-MOST_REQUESTS);
      return {
        sent: samples.length,
        received: received(),
        handshakeUs: shakes.length === 0 ? null : { min: quantile(shakes, 0), ...spread(shakes)! },
        bytesDown: samples.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
        goodputDownBps: rates.length === 0 ? null : Math.round(quantile(rates, 0.5)),
        detail: {
          kind: 'http3',
          path,
          firstByteUs: spread(rising(({ firstByteUs }) => firstByteUs)),
          totalUs: spread(rising(({ totalUs }) => totalUs)),
          requests: kept.map(figuresOf),
          leftOut: samples.length - kept.length,
        },
      };
    },
    // Connections without a single response are no success.
    fault: (): LabError | null => (received() === 0 ? (samples.at(-1)?.error ?? null) : null),
  };
}

const figuresOf = (sample: RequestSample): RequestFigures => ({
  atMs: sample.atMs,
  status: sample.response?.status ?? null,
  dnsUs: sample.dnsUs,
  handshakeUs: sample.handshakeUs,
  firstByteUs: sample.firstByteUs,
  untilFirstByteUs: sample.untilFirstByteUs,
  totalUs: sample.totalUs,
  bodyBytes: sample.bodyBytes,
  resumed: sample.resumed,
  earlyData: sample.earlyData,
  errorCode: sample.error?.code ?? null,
});
