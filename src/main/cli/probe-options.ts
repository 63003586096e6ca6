/** What `routelab probe` is told. */
import type { Controller } from '../../shared/domain.ts';
import { DEFAULT_FEC, type FecInput, type FecScheme, MOST_ADAPTIVE } from '../../shared/fec.ts';
import type { Move } from '../../shared/probe-details.ts';
import type { SlaLevel } from '../../shared/sla.ts';
import type { QlogFormat } from '../quic/qlog/trace.ts';
import type { TcpPath } from './comparison-result.ts';
import type { MetricsFlags } from './metrics-options.ts';
import type { Http3Options } from './probe-http3.ts';
import type { Mode } from './probe-result.ts';

export type AnyMode = Mode | 'http3';

export interface ProbeOptions extends Http3Options, MetricsFlags {
  mode?: AnyMode;
  /** Microseconds. */
  duration?: number;
  rate?: number;
  bytes?: number;
  congestion?: Controller;
  set?: Readonly<Record<string, number>>;
  bbrProbeBw?: number;
  /** Microseconds. */
  bbrProbeRttInterval?: number;
  series?: string;
  serverName?: string;
  ca?: readonly string[];
  insecure?: true;
  alpn?: readonly string[];
  timeout: number;
  data?: string;
  mtuDiscovery: boolean;
  keylog?: string;
  qlog?: string;
  qlogFormat?: QlogFormat;
  warmUp?: number;
  streams?: number;
  moves?: readonly Move[];
  fec?: FecScheme | true;
  /** A ratio. */
  fecRedundancy?: number;
  fecGroup?: number;
  fecAdaptive?: true;
  packetSize?: number;
  route?: readonly NamedTarget[];
  /** Microseconds. */
  every?: number;
  each?: number;
  compareTcp?: true;
  pairs?: number;
  tcpPath?: TcpPath;
  /** A ratio. */
  jitter?: number;
  seed?: number;
  resume?: true;
  emulated?: true;
  sla?: SlaLevel;
  json?: true;
}

/** A target and what it is called. */
export interface NamedTarget {
  label: string;
  target: string;
}

/** Groups as the options ask for them. */
export const fecOf = ({ fec, fecRedundancy, fecGroup, fecAdaptive }: ProbeOptions): FecInput => ({
  scheme: fec === undefined || fec === true ? DEFAULT_FEC.scheme : fec,
  k: fecGroup ?? DEFAULT_FEC.k,
  redundancy: fecRedundancy ?? (fecAdaptive ? MOST_ADAPTIVE : DEFAULT_FEC.redundancy),
  adaptive: fecAdaptive ?? false,
});

/** Whether the measurement is to be made again and again. */
export const isRepeated = ({ every, duration }: ProbeOptions): boolean =>
  every !== undefined || duration === 0;
