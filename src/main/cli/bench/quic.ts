/**
 * `routelab bench quic`: speed and footprint of the QUIC transport, each figure as a ratio to a peer that was measured in
 * the same run, turn by turn. Every end is a process of its own.
 */
import { createAuthority, issueCertificate } from '../../quic/tls/authority.ts';
import { progress } from '../output.ts';
import { type Bench, Endpoints, type QuicBenchOptions, SIZES } from './context.ts';
import { idleConnections, probes } from './footprint.ts';
import { goodput } from './goodput.ts';
import { latency } from './latency.ts';
import type { Row } from './rows.ts';

export async function benchQuic(options: QuicBenchOptions): Promise<Row[]> {
  const authority = await createAuthority(Date.now());
  const names = ['localhost', '127.0.0.1'];
  const { certPem, keyPem } = await issueCertificate(authority, { names, days: 1, nowMs: Date.now() });
  const endpoints = new Endpoints();
  const bar = progress('quic', options.repeat * 7 + 6);
  let done = 0;
  const bench: Bench = {
    endpoints,
    identity: { certificate: certPem, privateKey: keyPem, ca: authority.certPem },
    options,
    size: SIZES[options.quick ? 'quick' : 'full'],
    bar,
    step: (now) => bar.update(++done, now),
  };
  try {
    return [
      ...(await goodput(bench)),
      ...(await latency(bench)),
      await idleConnections(bench),
      await probes(bench),
    ];
  } finally {
    endpoints.stop();
    bar.stop();
  }
}
