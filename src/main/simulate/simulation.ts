/**
 * A scenario in virtual time: flows with the transport’s own recovery, pacer and controllers over one `Link`. Sans-IO and
 * seeded: the same scenario gives the same figures, bit for bit.
 */
import { LabError } from '../../shared/errors.ts';
import type { Scenario, ScenarioFlow } from '../../shared/scenario.ts';
import type { CongestionController } from '../congestion/controller.ts';
import { createController } from '../congestion/index.ts';
import { Link } from '../path/link.ts';
import { Rng } from '../path/rng.ts';
import type { PacketRange } from '../recovery/packet-ranges.ts';
import { copyRanges } from './ack-ring.ts';
import { bufferRttMs, capacityBits, forwardSettings, leftByUs, reverseSettings } from './bottleneck.ts';
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

/** Parties of the event loop: the link, the reverse link where there is one, the flows. Of equal deadlines the first counts. */
const LINK = 0;
const REVERSE = 1;

/** An ACK that passes the reverse link. */
interface PendingAck {
  flow: Flow;
  ranges: PacketRange[];
  delayUs: number;
}

/** Of an ACK packet: headers, 1 flags, 8 connection id, 2 packet number, 16 tag, and 10 of a frame of one range. */
const ACK_BYTES = HEADER_BYTES + 37;
/** Of each further range. */
const RANGE_BYTES = 4;

export interface SimulationOptions {
  /** Set where `trace` is wanted; `everyUs` is the time between its rows, for some 6000 of them unless given. */
  trace?: { everyUs?: number };
}

export class Simulation {
  readonly #scenario: Scenario;
  readonly #flows: readonly Flow[];
  readonly #link: Link<Datagram>;
  /** Null where nothing befalls ACKs. */
  readonly #reverse: Link<PendingAck> | null;
  readonly #linkDelayUs: number;
  readonly #deadlines: Deadlines;
  readonly #recorder: Recorder | null;
  /** Datagrams to be used again: the first `#freeCount`. */
  readonly #free: Datagram[] = [];
  #freeCount = 0;
  readonly #queueDelayUs = new Histogram();
  readonly #endUs: number;
  readonly #firstFlow: number;
  readonly #warmupUs: number;
  /** What leaves the bottleneck from then on arrives after the warm-up. */
  readonly #openFromUs: number;
  #sampleAtUs: number;
  /** When counters are read next, after all that happens then. */
  #countAtUs: number;
  #atWarmup: Snapshot | null = null;
  /** Whether the next packet to arrive may have been in transmission when the warm-up ended. */
  #isNextOpen = false;
  #nowUs = 0;
  #events = 0;
  #carriedBytes = 0;

  /** Throws RL_INPUT_INVALID, of `flows.N.params.Name`, for parameters that a controller does not take. */
  constructor(scenario: Scenario, options: SimulationOptions = {}) {
    const { flows, seed, duration_s, reverse } = scenario;
    this.#scenario = scenario;
    this.#endUs = duration_s * 1e6;
    const rng = Rng.fromSeed(seed);
    const leastRttMs = Math.min(...flows.map(({ rtt_ms }) => rtt_ms));
    this.#linkDelayUs = leastRttMs * 500;
    this.#link = new Link<Datagram>(forwardSettings(scenario, leastRttMs / 2), rng.split(), {
      rttMs: bufferRttMs(scenario, leastRttMs / 2),
      onTransmit: (datagram, startUs) => {
        datagram.waitedUs = startUs - datagram.sentAtUs;
      },
      copy: (datagram) => Object.assign(this.#datagram(datagram.flow), datagram),
    });
    const rttMs = Math.max(...flows.map(({ rtt_ms }) => rtt_ms));
    this.#reverse = reverse
      ? new Link(reverseSettings(reverse, leastRttMs / 2), rng.split(), { rttMs })
      : null;
    this.#warmupUs = scenario.warmup_s * 1e6;
    this.#openFromUs = leftByUs(scenario.bottleneck, this.#linkDelayUs, this.#warmupUs);
    this.#flows = flows.map((flow, i) => this.#flow(flow, i, rng.split()));
    this.#firstFlow = this.#reverse === null ? LINK + 1 : REVERSE + 1;
    this.#deadlines = new Deadlines(this.#firstFlow + flows.length);
    for (const flow of this.#flows) this.#deadlines.set(this.#firstFlow + flow.index, flow.deadlineUs);
    this.#recorder =
      options.trace === undefined
        ? null
        : new Recorder(
            flows.map(({ start_s }) => start_s * 1e6),
            this.#endUs,
            options.trace.everyUs,
          );
    this.#sampleAtUs = this.#recorder === null ? Number.POSITIVE_INFINITY : 0;
    // Without a warm-up what is sent at the very beginning counts, too.
    if (this.#warmupUs === 0) this.#begin();
    this.#countAtUs = this.#nextCountUs;
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
    const reverse = this.#reverse;
    const flows = this.#flows;
    const endUs = this.#endUs;
    const firstFlow = this.#firstFlow;
    for (let left = maxEvents; left > 0; left--) {
      let nowUs = deadlines.firstAtUs;
      while (nowUs > this.#countAtUs && this.#countAtUs <= endUs) {
        this.#count(this.#countAtUs);
        deadlines.set(LINK, link.deadlineUs);
        nowUs = deadlines.firstAtUs;
      }
      if (nowUs > endUs) {
        this.#nowUs = endUs;
        return true;
      }
      this.#nowUs = nowUs;
      const party = deadlines.first;
      if (party === LINK) {
        this.#receive(nowUs);
      } else if (party < firstFlow) {
        this.#receiveAcks(nowUs);
      } else {
        this.#events++;
        const flow = flows[party - firstFlow]!;
        flow.run(nowUs);
        deadlines.set(party, flow.deadlineUs);
      }
      deadlines.set(LINK, link.deadlineUs);
      if (reverse !== null) deadlines.set(REVERSE, reverse.deadlineUs);
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
    const { datagram_bytes, bottleneck } = scenario;
    // What arrives has left the bottleneck a propagation delay before.
    const leftByS = (s: number): number => leftByUs(bottleneck, this.#linkDelayUs, s * 1e6) / 1e6;
    return figuresOf({
      scenario,
      flows: this.#flows,
      queueDelayUs: this.#queueDelayUs,
      before: this.#atWarmup!,
      after: this.#snapshot(),
      capacityBytes: capacityBits(bottleneck, leftByS(scenario.warmup_s), leftByS(scenario.duration_s)) / 8,
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
      ackPathUs: flow.rtt_ms * 1e3 - this.#linkDelayUs * (this.#reverse === null ? 1 : 2),
      startUs,
      stopUs: flow.stop_s === null ? Number.POSITIVE_INFINITY : flow.stop_s * 1e6,
      ackEvery: flow.ack_every === 'asked' ? null : flow.ack_every,
      maxAckDelayUs: flow.max_ack_delay_ms * 1e3,
      idleTimeoutUs: flow.idle_timeout_s === null ? Number.POSITIVE_INFINITY : flow.idle_timeout_s * 1e6,
      mayComeTwice: this.#scenario.duplicate_rate > 0,
      transmit: this.#transmit,
      sendAck: this.#reverse === null ? null : this.#sendAck,
    });
  }

  /** One to be used again, or a new one. */
  #datagram(flow: Flow): Datagram {
    return this.#freeCount > 0 ? this.#free[--this.#freeCount]! : newDatagram(flow);
  }

  readonly #transmit = (
    flow: Flow,
    packetNumber: number,
    chunk: number,
    bytes: number,
    nowUs: number,
  ): boolean => {
    const datagram = this.#datagram(flow);
    datagram.flow = flow;
    datagram.packetNumber = packetNumber;
    datagram.chunk = chunk;
    datagram.linkBytes = bytes + HEADER_BYTES;
    datagram.sentAtUs = nowUs;
    datagram.order = flow.counters.packetsAccepted;
    if (this.#link.send(datagram, datagram.linkBytes, nowUs) === null) return true;
    this.#free[this.#freeCount++] = datagram;
    return false;
  };

  readonly #sendAck = (flow: Flow, ranges: readonly PacketRange[], delayUs: number, nowUs: number): void => {
    const ack: PendingAck = { flow, ranges: [], delayUs };
    copyRanges(ranges, ack.ranges);
    this.#reverse!.send(ack, ACK_BYTES + RANGE_BYTES * (ranges.length - 1), nowUs);
  };

  #receive(nowUs: number): void {
    const link = this.#link;
    const deadlines = this.#deadlines;
    // What is no arrival is the link’s own affair, and earlier where it is looked at: it does not count.
    for (let datagram = link.receive(nowUs); datagram !== undefined; datagram = link.receive(nowUs)) {
      this.#events++;
      const { flow, packetNumber, chunk, linkBytes, sentAtUs, waitedUs, order } = datagram;
      this.#free[this.#freeCount++] = datagram;
      this.#carriedBytes += linkBytes;
      this.#queueDelayUs.add(waitedUs);
      flow.onArrival(packetNumber, chunk, order, nowUs);
      if (this.#isNextOpen) {
        this.#isNextOpen = false;
        // In transmission when the warm-up ended it counts before: else a full link would seem to carry more than it can.
        if (sentAtUs + waitedUs < this.#openFromUs) this.#begin();
      }
      deadlines.set(this.#firstFlow + flow.index, flow.deadlineUs);
    }
  }

  #receiveAcks(nowUs: number): void {
    const reverse = this.#reverse!;
    for (let ack = reverse.receive(nowUs); ack !== undefined; ack = reverse.receive(nowUs)) {
      this.#events++;
      const { flow, ranges, delayUs } = ack;
      flow.onAckCarried(ranges, delayUs, nowUs);
      this.#deadlines.set(this.#firstFlow + flow.index, flow.deadlineUs);
    }
  }

  /** The end of the warm-up, or another row of the trace. */
  #count(nowUs: number): void {
    if (this.#atWarmup === null && nowUs >= this.#warmupUs) {
      this.#begin();
      this.#isNextOpen = true;
    }
    if (this.#recorder !== null && nowUs >= this.#sampleAtUs) {
      this.#recorder.sample(nowUs, this.#flows, this.#link.queuedBytes(nowUs));
      this.#sampleAtUs += this.#recorder.trace.everyUs;
    }
    this.#countAtUs = this.#nextCountUs;
  }

  get #nextCountUs(): number {
    return this.#atWarmup === null ? Math.min(this.#warmupUs, this.#sampleAtUs) : this.#sampleAtUs;
  }

  /** Figures count from here on. */
  #begin(): void {
    this.#atWarmup = this.#snapshot();
    this.#queueDelayUs.clear();
    for (const flow of this.#flows) flow.rttUs.clear();
  }

  #snapshot(): Snapshot {
    return {
      flows: this.#flows.map(({ counters }) => ({ ...counters })),
      carriedBytes: this.#carriedBytes,
      queueDrops: this.#link.counters.queueDrops + this.#link.counters.aqmDrops,
    };
  }
}

const newDatagram = (flow: Flow): Datagram => ({
  flow,
  packetNumber: 0,
  chunk: 0,
  linkBytes: 0,
  sentAtUs: 0,
  waitedUs: 0,
  order: 0,
});

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
