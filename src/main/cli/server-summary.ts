/** What a server did, as it grows, at the end and for the exporter. */
import { formatBytes } from '../../shared/units.ts';
import type { ServiceCounters } from '../probe/service-limits.ts';
import { nowUs } from '../quic/udp/clock.ts';
import type { SourceReading } from '../telemetry/source.ts';
import { type Address, formatAddress } from './address.ts';
import { table } from './output.ts';

const LIVE_MS = { terminal: 500, log: 10_000 } as const;

/** Counters as they grow: rewritten in place on a terminal, a line now and then elsewhere. */
export function showLive(counters: ServiceCounters): { stop: () => void } {
  const { stderr } = process;
  let shown = '';
  let previous = { ...counters };
  let previousAtUs = nowUs();
  const show = (): void => {
    const now = nowUs();
    const rate = (name: 'bytesDown' | 'bytesUp'): string =>
      `${(((counters[name] - previous[name]) * 8) / (now - previousAtUs)).toFixed(2)} Mbit/s`;
    const line =
      `sessions ${counters.activeSessions}  echoes ${counters.echoes}  requests ${counters.requests}` +
      `  transfers ${counters.transfers}` +
      `  down ${rate('bytesDown')}  up ${rate('bytesUp')}`;
    previous = { ...counters };
    previousAtUs = now;
    if (line === shown) return;
    shown = line;
    stderr.write(stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
  const timer = setInterval(show, stderr.isTTY ? LIVE_MS.terminal : LIVE_MS.log);
  return {
    stop: () => {
      clearInterval(timer);
      if (stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}

export function summary(
  address: Address,
  alpn: readonly string[],
  seconds: number,
  counters: ServiceCounters,
): object {
  return {
    listen: formatAddress(address),
    alpn,
    duration_s: Math.round(seconds * 1000) / 1000,
    sessions: counters.sessions,
    requests: counters.requests,
    echoes: counters.echoes,
    echoes_dropped: counters.echoesDropped,
    transfers: counters.transfers,
    refused: counters.refused,
    bytes_down: counters.bytesDown,
    bytes_up: counters.bytesUp,
    ...(counters.fec > 0 && {
      fec: counters.fec,
      fec_recovered: counters.fecRecovered,
      fec_unrecoverable: counters.fecUnrecoverable,
    }),
  };
}

/** For the exporter: nothing before there was any. */
export const fecOf = ({
  fec,
  fecRecovered,
  fecUnrecoverable,
  fecRedundancy,
}: ServiceCounters): SourceReading =>
  fec === 0
    ? {}
    : {
        fec: { recoveredPackets: fecRecovered, unrecoverablePackets: fecUnrecoverable, role: 'server' },
        fecRedundancyRatio: fecRedundancy,
      };

export function summaryTable(seconds: number, counters: ServiceCounters): string {
  return table(
    [
      ['sessions', String(counters.sessions)],
      ...(counters.requests > 0 ? [['requests', String(counters.requests)]] : []),
      ['echoes', String(counters.echoes)],
      ...(counters.echoesDropped > 0 ? [['echoes dropped', String(counters.echoesDropped)]] : []),
      ['transfers', String(counters.transfers)],
      ...(counters.refused > 0 ? [['refused', String(counters.refused)]] : []),
      ...(counters.fec > 0
        ? [
            ['recovered with FEC', String(counters.fecRecovered)],
            ['unrecoverable', String(counters.fecUnrecoverable)],
          ]
        : []),
      ['sent', formatBytes(counters.bytesDown)],
      ['received', formatBytes(counters.bytesUp)],
      ['time', `${seconds.toFixed(1)} s`],
    ],
    ['left', 'right'],
  );
}
