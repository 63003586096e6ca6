/** Every parser that is fuzzed: add yours here. */
import { archiveJsonl, archiveParquet, archiveZip, boundedJson, csv, iperf3 } from './archive.ts';
import { config } from './config.ts';
import { datagrams } from './datagrams.ts';
import { fec } from './fec.ts';
import { frames } from './frames.ts';
import { goFlags } from './go-flags.ts';
import { header } from './header.ts';
import { http3Frames, qpack } from './http3.ts';
import { netDev } from './net-dev.ts';
import { probeProtocol } from './probe-protocol.ts';
import { prometheus } from './prometheus.ts';
import { qlog } from './qlog.ts';
import { qlogReader } from './qlog-reader.ts';
import { receiveStream } from './receive-stream.ts';
import { scenario } from './scenario.ts';
import type { FuzzTarget } from './target.ts';
import { tls } from './tls.ts';
import { addressTokens, sessionTickets } from './tokens.ts';
import { traces } from './trace.ts';
import { transportParameters } from './transport-parameters.ts';

export const TARGETS: readonly FuzzTarget[] = [
  header,
  frames,
  qlog,
  qlogReader,
  transportParameters,
  receiveStream,
  tls,
  probeProtocol,
  addressTokens,
  sessionTickets,
  datagrams,
  qpack,
  http3Frames,
  scenario,
  traces,
  config,
  prometheus,
  archiveJsonl,
  archiveZip,
  archiveParquet,
  boundedJson,
  csv,
  iperf3,
  goFlags,
  netDev,
  fec,
];
