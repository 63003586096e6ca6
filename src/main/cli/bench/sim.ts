/**
 * `routelab bench sim`: what the simulator costs — the same scenario in ns-3 in the same run, where that is installed — and
 * what more threads gain.
 */
import { availableParallelism } from 'node:os';
import { CONTROLLERS, type Controller } from '../../../shared/domain.ts';
import { parseScenario, type Scenario } from '../../../shared/scenario.ts';
import { SimulationPool } from '../../workers/simulation-pool.ts';
import { progress } from '../output.ts';
import { Endpoints } from './context.ts';
import { NS3_CONTROLS, type Ns3Figures, ns3Missing, runNs3 } from './ns3.ts';
import { against, figure, median, missing, type Row } from './rows.ts';
import type { SimMethods, SimulatedOnce } from './stacks/sim.ts';

export interface SimBenchOptions {
  /** Turns, whose median counts. */
  repeat: number;
  /** A sixth of the virtual time, one controller in ns-3, and fewer scenarios on threads. */
  quick: boolean;
}

/** The benchmark scenario: 1 BDP of buffer. */
const PATH = { rateBps: 100e6, rttMs: 40, bufferBytes: 500_000 };
const FULL = { durationS: 60, warmupS: 10, scenarios: 64 };
const QUICK = { durationS: 10, warmupS: 2, scenarios: 8 };
const WORKERS = 4;

const REACH = { wallS: { max: 0.5 }, rssMb: { max: 150 }, ns3: { min: 20 }, workers: { min: 3.2 } } as const;

export async function benchSim({ repeat, quick }: SimBenchOptions): Promise<Row[]> {
  const { durationS, warmupS, scenarios } = quick ? QUICK : FULL;
  const scenario = (controller: Controller): Scenario =>
    parseScenario({
      duration_s: durationS,
      warmup_s: warmupS,
      bottleneck: { rate_bps: PATH.rateBps, buffer_bytes: PATH.bufferBytes },
      flows: [{ controller, rtt_ms: PATH.rttMs }],
    });
  const rivals = (Object.keys(NS3_CONTROLS) as (keyof typeof NS3_CONTROLS)[]).slice(0, quick ? 1 : undefined);
  const bar = progress('sim', CONTROLLERS.length + rivals.length + 1);
  let done = 0;
  const step = (now: string): void => bar.update(++done, now);
  const endpoints = new Endpoints();
  const rows: Row[] = [];
  const walls = new Map<Controller, number>();
  try {
    for (const controller of CONTROLLERS) {
      // A process of its own for each: what one leaves compiled, or in memory, is not another's.
      const simulator = await endpoints.start<SimMethods>('sim');
      const turns: SimulatedOnce[] = [];
      for (let turn = 0; turn < repeat; turn++)
        turns.push(await simulator.ask('simulate', { scenario: scenario(controller) }));
      endpoints.stop();
      const wallS = median(turns.map((turn) => turn.wallS));
      walls.set(controller, wallS);
      const { goodputBps, rttMeanMs, maxRssBytes } = turns[0]!;
      rows.push({
        ...figure(`${durationS} s of ${controller}`, wallS, 's', REACH.wallS),
        note: `${(goodputBps / 1e6).toFixed(1)} Mbit/s, mean RTT ${rttMeanMs.toFixed(1)} ms; first ${turns[0]!.wallS.toFixed(2)} s`,
      });
      rows.push(
        figure(`${controller}: memory of its process, one run`, maxRssBytes / 1e6, 'MB', REACH.rssMb),
      );
      step(controller);
    }
    const why = ns3Missing();
    for (const controller of rivals) {
      const name = `${durationS} s of ${controller} against ns-3`;
      if (why !== null) rows.push(missing(name, 's', why));
      else
        rows.push(
          ns3Row(name, walls.get(controller)!, await runNs3(controller, { ...PATH, durationS, warmupS })),
        );
      step('ns-3');
    }
    rows.push(await threadsRow(scenario('cubic'), scenarios));
    return rows;
  } finally {
    endpoints.stop();
    bar.stop();
  }
}

function ns3Row(name: string, wallS: number, ns3: Ns3Figures): Row {
  const shown = `${(ns3.goodputBps / 1e6).toFixed(1)} Mbit/s, mean RTT ${ns3.rttMeanMs.toFixed(1)} ms`;
  return against(
    name,
    wallS,
    's',
    `ns-3 (${ns3.wallS.toFixed(1)} s; ${shown})`,
    ns3.wallS / wallS,
    REACH.ns3,
  );
}

/** The same scenarios on one thread and on several. */
async function threadsRow(scenario: Scenario, count: number): Promise<Row> {
  const name = `${count} scenarios on ${WORKERS} threads`;
  if (availableParallelism() < WORKERS)
    return missing(name, 's', `fewer than ${WORKERS} processors`, REACH.workers);
  const [one, several] = [await inPool(scenario, count, 1), await inPool(scenario, count, WORKERS)];
  return against(name, several, 's', `one thread (${one.toFixed(1)} s)`, one / several, REACH.workers);
}

/** Seconds, threads started and their code compiled. */
async function inPool(scenario: Scenario, count: number, workers: number): Promise<number> {
  const pool = new SimulationPool(workers);
  const run = (runs: number): Promise<unknown> =>
    Promise.all(Array.from({ length: runs }, (_, seed) => pool.run({ ...scenario, seed })));
  try {
    await run(workers);
    const began = performance.now();
    await run(count);
    return (performance.now() - began) / 1e3;
  } finally {
    await pool.close();
  }
}
