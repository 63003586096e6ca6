/**
 * A scenario in virtual time: flows with the transport’s own recovery, pacer and controllers over one `Link`. Sans-IO and
 * seeded: the same scenario gives the same figures, bit for bit.
 */
import type { LinkSettings } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { Scenario, ScenarioFlow } from '../../shared/scenario.ts';
import type { CongestionController } from '../congestion/controller.ts';
import { createController } from '../congestion/index.ts';
import { Link } from '../path/link.ts';
import { Rng } from '../path/rng.ts';
import { Deadlines } from './deadlines.ts';
import { type Datagram, Flow } from './flow.ts';
import { Histogram } from './histogram.ts';
import { Recorder, type SimulationTrace } from './recorder.ts';
import { type Figures, figuresOf, type Snapshot } from './result.ts';

import { Source } from './source.ts';

/** Of a data packet: 1 flags, 8 connection id, 2 packet number, 16 tag; STREAM frame: 1 type, 1 id, 4 offset, 2 length. */
const OVERHEAD_BYTES = 35;
/** IPv4 and UDP headers. */
const HEADER_BYTES = 28;

/** Party of the event loop before the flows: at the same instant packets arrive, then flows act, then is counted. */
const LINK = 0;

export interface SimulationOptions {
  /** Set where `trace` is wanted; `everyUs` is the time between its rows, for some 6000 of them unless given. */
  trace?: { everyUs?: number };
}

export class Simulation {
  readonly #scenario: Scenario;
  readonly #flows: readonly Flow[];
  readonly #link: Link<Datagram>;
  readonly #linkDelayUs: number;
  readonly #deadlines: Deadlines;
  readonly #recorder: Recorder | null;
  readonly #free: Datagram[] = [];
  readonly #queueDelayUs = new Histogram();
  readonly #endUs: number;
  /** The party that counts: it comes last. */
  readonly #clock: number;
  readonly #usPerByte: number;
  readonly #serialisationUs: number;
  #warmupUs: number;
  #sampleAtUs: number;
  #atWarmup: Snapshot | null = null;
  #nowUs = 0;
  #events = 0;
  #carriedBytes = 0;

  /** Throws RL_INPUT_INVALID, of `flows.N.params.Name`, for parameters that a controller does not take. */
  constructor(scenario: Scenario, options: SimulationOptions = {}) {
    const { flows, seed, duration_s, bottleneck } = scenario;
    this.#scenario = scenario;
    this.#endUs = duration_s * 1e6;
    const rng = Rng.fromSeed(seed);
    const leastRttMs = Math.min(...flows.map(({ rtt_ms }) => rtt_ms));
    this.#linkDelayUs = leastRttMs * 500;
    this.#link = new Link(linkSettings(scenario, leastRttMs / 2), rng.split());
    this.#usPerByte = 8e6 / bottleneck.rate_bps;
    this.#serialisationUs = (scenario.datagram_bytes + HEADER_BYTES) * this.#usPerByte;
    this.#warmupUs = scenario.warmup_s * 1e6;
    this.#flows = flows.map((flow, i) => this.#flow(flow, i, rng.split()));
    this.#clock = LINK + 1 + flows.length;
    this.#deadlines = new Deadlines(this.#clock + 1);
    for (const flow of this.#flows) this.#deadlines.set(LINK + 1 + flow.index, flow.deadlineUs);
    this.#recorder =
      options.trace === undefined
        ? null
        : new Recorder(
            flows.map(({ start_s }) => start_s * 1e6),
            this.#endUs,
            options.trace.everyUs,
          );
    this.#sampleAtUs = this.#recorder === null ? Number.POSITIVE_INFINITY : 0;
    this.#deadlines.set(this.#clock, Math.min(this.#warmupUs, this.#sampleAtUs));
  }

  /** Virtual time reached, as part of the scenario’s duration. */
  get progress(): number {
    return Math.min(1, this.#nowUs / this.#endUs);
  }

  get events(): number {
    return this.#events;
  }

  /** Takes up to `maxEvents` events; true when the scenario is over. Between two calls it can be left for good. */
  step(maxEvents: number): boolean {
    const deadlines = this.#deadlines;
    const link = this.#link;
    const flows = this.#flows;
    const endUs = this.#endUs;
    for (let left = maxEvents; left > 0; left--) {
      const nowUs = deadlines.firstAtUs;
      if (nowUs > endUs) {
        this.#nowUs = endUs;
        return true;
      }
      this.#nowUs = nowUs;
      this.#events++;
      const party = deadlines.first;
      if (party === LINK) {
        this.#receive(nowUs);
      } else if (party === this.#clock) {
        this.#count(nowUs);
        continue;
      } else {
        const flow = flows[party - LINK - 1]!;
        flow.run(nowUs);
        deadlines.set(party, flow.deadlineUs);
      }
      deadlines.set(LINK, link.deadlineUs);
    }
    return false;
  }

  /** Runs to the end. */
  run(): this {
    while (!this.step(1_000_000));
    return this;
  }

  /** Once `step` has said that it is over. */
  figures(): Figures {
    const scenario = this.#scenario;
    const { datagram_bytes } = scenario;
    return figuresOf({
      scenario,
      flows: this.#flows,
      queueDelayUs: this.#queueDelayUs,
      before: this.#atWarmup!,
      after: this.#snapshot(),
      capacityBytes: this.#capacityBytes(),
      packet: { payload_bytes: datagram_bytes - OVERHEAD_BYTES, link_bytes: datagram_bytes + HEADER_BYTES },
      events: this.#events,
    });
  }

  /** Null unless it was asked for. */
  get trace(): SimulationTrace | null {
    return this.#recorder?.trace ?? null;
  }

  #flow(flow: ScenarioFlow, index: number, rng: Rng): Flow {
    const { datagram_bytes } = this.#scenario;
    const startUs = flow.start_s * 1e6;
    return new Flow({
      index,
      controller: controllerOf(flow, index, datagram_bytes, rng),
      source: new Source({
        startUs,
        chunkBytes: datagram_bytes - OVERHEAD_BYTES,
        bytes: flow.bytes,
        onOff: flow.on_off ? { onUs: flow.on_off.on_s * 1e6, offUs: flow.on_off.off_s * 1e6 } : null,
        rateLimitBps: flow.rate_limit_bps ?? null,
      }),
      datagramBytes: datagram_bytes,
      overheadBytes: OVERHEAD_BYTES,
      ackDelayUs: flow.rtt_ms * 1e3 - this.#linkDelayUs,
      startUs,
      stopUs: flow.stop_s === null ? Number.POSITIVE_INFINITY : flow.stop_s * 1e6,
      ackEvery: flow.ack_every,
      maxAckDelayUs: flow.max_ack_delay_ms * 1e3,
      transmit: this.#transmit,
    });
  }

  readonly #transmit = (
    flow: Flow,
    packetNumber: number,
    chunk: number,
    bytes: number,
    nowUs: number,
  ): boolean => {
    const datagram = this.#free.pop() ?? { flow, packetNumber: 0, chunk: 0, linkBytes: 0, sentAtUs: 0 };
    datagram.flow = flow;
    datagram.packetNumber = packetNumber;
    datagram.chunk = chunk;
    datagram.linkBytes = bytes + HEADER_BYTES;
    datagram.sentAtUs = nowUs;
    if (this.#link.send(datagram, datagram.linkBytes, nowUs) === null) return true;
    this.#free.push(datagram);
    return false;
  };

  #receive(nowUs: number): void {
    const link = this.#link;
    const deadlines = this.#deadlines;
    for (let datagram = link.receive(nowUs); datagram !== undefined; datagram = link.receive(nowUs)) {
      const { flow, packetNumber, chunk, linkBytes, sentAtUs } = datagram;
      this.#free.push(datagram);
      this.#carriedBytes += linkBytes;
      const waitedUs = nowUs - sentAtUs - this.#linkDelayUs - linkBytes * this.#usPerByte;
      this.#queueDelayUs.add(Math.max(0, waitedUs));
      flow.onArrival(packetNumber, chunk, nowUs);
      deadlines.set(LINK + 1 + flow.index, flow.deadlineUs);
    }
  }

  /** The end of the warm-up, or another row of the trace. */
  #count(nowUs: number): void {
    if (this.#atWarmup === null && nowUs >= this.#warmupUs) {
      // A packet that is just arriving counts before: else a full link would seem to carry more than it can.
      const arrivesUs = this.#link.deadlineUs;
      if (arrivesUs > nowUs && arrivesUs - this.#serialisationUs < nowUs) this.#warmupUs = arrivesUs;
    }
    if (this.#atWarmup === null && nowUs >= this.#warmupUs) {
      this.#atWarmup = this.#snapshot();
      this.#queueDelayUs.clear();
      for (const flow of this.#flows) flow.rttUs.clear();
    }
    if (this.#recorder !== null && nowUs >= this.#sampleAtUs) {
      this.#recorder.sample(nowUs, this.#flows, this.#link.queuedBytes(nowUs));
      this.#sampleAtUs += this.#recorder.trace.everyUs;
    }
    const next = this.#atWarmup === null ? Math.min(this.#warmupUs, this.#sampleAtUs) : this.#sampleAtUs;
    this.#deadlines.set(this.#clock, next);
  }

  #snapshot(): Snapshot {
    return {
      flows: this.#flows.map(({ counters }) => ({ ...counters })),
      carriedBytes: this.#carriedBytes,
      queueDrops: this.#link.counters.queueDrops,
    };
  }

  /** What could have left the bottleneck so as to arrive between the end of the warm-up and the end. */
  #capacityBytes(): number {
    const { warmup_s, duration_s, bottleneck } = this.#scenario;
    const steps: [number, number][] = [[0, bottleneck.rate_bps], ...(bottleneck.rate_schedule ?? [])];
    const fromS = warmup_s - this.#linkDelayUs / 1e6;
    const toS = duration_s - this.#linkDelayUs / 1e6;
    let bytes = 0;
    steps.forEach(([atS, rateBps], i) => {
      const untilS = Math.min(toS, steps[i + 1]?.[0] ?? toS);
      bytes += (Math.max(0, untilS - Math.max(fromS, atS)) * rateBps) / 8;
    });
    return bytes;
  }
}

/** The bottleneck and what lies before it; `delayMs` is the least one-way delay of any flow, the rest comes with the ACKs. */
function linkSettings(scenario: Scenario, delayMs: number): LinkSettings {
  const { bottleneck, loss, jitter_ms, reorder_rate, flows } = scenario;
  const { rate_bps, buffer_bytes, buffer_bdp, aqm, rate_schedule } = bottleneck;
  const bdpBytes = (rate_bps / 8e3) * Math.max(...flows.map(({ rtt_ms }) => rtt_ms));
  return {
    rateBps: rate_bps,
    delayMs,
    jitterMs: jitter_ms,
    lossRatio: loss.model === 'iid' ? loss.rate : 0,
    ...(loss.model === 'every_nth' || loss.model === 'gilbert' ? { loss } : {}),
    reorderRatio: reorder_rate,
    bufferBytes: buffer_bytes ?? Math.max(1, Math.round((buffer_bdp ?? 1) * bdpBytes)),
    aqm,
    ...(rate_schedule === undefined ? {} : { rateSchedule: rate_schedule }),
  };
}

function controllerOf(
  { controller, params }: ScenarioFlow,
  index: number,
  datagramBytes: number,
  rng: Rng,
): CongestionController {
  try {
    return createController(controller, { datagramBytes, parameters: params, random: () => rng.float() });
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const field = `flows.${index}.params.${error.field}`;
    throw new LabError(error.code, `${field}: ${error.message}`, { field, hint: error.hint });
  }
}
