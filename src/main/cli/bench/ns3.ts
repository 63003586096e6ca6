/** ns-3, the simulator that ours is compared with, where it is installed: resources/bench/ns3-bottleneck.cc. */
import { existsSync } from 'node:fs';
import { build, Child, canStart } from './native.ts';

export interface Ns3Figures {
  goodputBps: number;
  rttMeanMs: number;
  events: number;
  /** Real time, without the start of the program. */
  wallS: number;
}

/** What ns-3 calls the controllers that it has of ours. */
export const NS3_CONTROLS = { newreno: 'TcpLinuxReno', cubic: 'TcpCubic', bbr1: 'TcpBbr' } as const;

const HEADERS = '/usr/include/ns3/core-module.h';
const LIBRARIES = ['core', 'network', 'internet', 'point-to-point', 'applications', 'traffic-control'];

/** Null where ns-3 can be run, else the reason why not. */
export function ns3Missing(): string | null {
  if (!existsSync(HEADERS)) return 'ns-3 is not installed (Debian: libns3-dev)';
  return canStart('g++') ? null : 'g++ is not installed';
}

/** One flow through one bottleneck. */
export async function runNs3(
  control: keyof typeof NS3_CONTROLS,
  path: { rateBps: number; rttMs: number; bufferBytes: number; durationS: number; warmupS: number },
): Promise<Ns3Figures> {
  const program = build(
    'ns3-bottleneck.cc',
    'g++',
    LIBRARIES.map((name) => `-lns3-${name}`),
  );
  const { rateBps, rttMs, bufferBytes, durationS, warmupS } = path;
  const args = [NS3_CONTROLS[control], rateBps, rttMs, bufferBytes, durationS, warmupS].map(String);
  return JSON.parse(await new Child(program, args).finish()) as Ns3Figures;
}
