/**
 * Mode `responsiveness`: round trips on an idle path, then while it is loaded in one direction and in the other, as
 * draft-ietf-ippm-responsiveness has it: on the connection that carries the load, and on one of its own. docs/probes.md has
 * the formulae, and where they differ from the draft.
 */
import { LabError } from '../../../shared/errors.ts';
import type { DetailOf, LoadedRtt, ResponsivenessDetail } from '../../../shared/probe-details.ts';
import { gradeOfBloat, workingOf } from '../../../shared/responsiveness.ts';
import { goodputBps, type PingSample, summariseSorted } from '../../../shared/samples.ts';
import { formatDuration } from '../../../shared/units.ts';
import type { QuicSession } from '../../quic/udp/api.ts';
import { connectQuic } from '../../quic/udp/client.ts';
import { nowUs } from '../../quic/udp/clock.ts';
import { connectionEnded } from '../ended.ts';
import { pause } from '../pause.ts';
import { Pinger } from '../ping.ts';
import { download, type Received, upload } from '../throughput.ts';
import { DEFAULT_DURATION_MS, LOADED_PINGS_PER_S, type Mode, type ModeContext } from './mode.ts';

/** Of the whole: the idle path, and each direction. */
const PARTS = { idle: 0.2, loaded: 0.4 } as const;
/** Of a direction's time, how much is left for its load to fill the path. */
const RAMP = 0.25;

/** A direction under load. Times are of the monotonic clock, as are those of the pings. */
interface Load {
  fromMs: number;
  toMs: number;
  /** What had arrived when the counted part began, and the newest. */
  first: Received | null;
  newest: Received | null;
}

export function responsivenessMode(context: ModeContext): Mode {
  const { plan, connect, signal } = context;
  const durationMs = plan.durationMs ?? DEFAULT_DURATION_MS;
  const separate: PingSample[] = [];
  const own: PingSample[] = [];
  let idleToMs: number | null = null;
  const loads: { down: Load | null; up: Load | null } = { down: null, up: null };
  let newestUs: number | null = null;

  const pingerOf = (session: QuicSession, samples: PingSample[]): Pinger =>
    new Pinger(session, {
      ratePerS: plan.ratePerS ?? LOADED_PINGS_PER_S,
      mayWait: true,
      onPing: (ping, sentAtUs) => {
        samples.push({ ...ping, atMs: sentAtUs / 1000 });
        newestUs = ping.rttUs ?? newestUs;
      },
    });

  const load = async (session: QuicSession, direction: 'down' | 'up'): Promise<void> => {
    if (signal.aborted) return;
    const partMs = durationMs * PARTS.loaded;
    const beganMs = nowUs() / 1000;
    const current: Load = {
      fromMs: beganMs + RAMP * partMs,
      toMs: beganMs + partMs,
      first: null,
      newest: null,
    };
    loads[direction] = current;
    await (direction === 'down' ? download : upload)(session, {
      durationMs: partMs,
      signal,
      onProgress: (now) => {
        if (nowUs() / 1000 >= current.fromMs) current.first ??= now;
        current.newest = now;
      },
    });
    current.toMs = Math.min(current.toMs, nowUs() / 1000);
  };

  const measure = async (loaded: QuicSession): Promise<void> => {
    const aside = await connectQuic({ ...connect, qlog: undefined });
    const pingers = [pingerOf(aside, separate), pingerOf(loaded, own)];
    const over = new AbortController();
    const lost = aside.closed.then((info) => {
      if (!over.signal.aborted) throw connectionEnded(info, 'responsiveness');
    });
    const phases = async (): Promise<void> => {
      await pause(durationMs * PARTS.idle, signal);
      idleToMs = nowUs() / 1000;
      await load(loaded, 'down');
      await load(loaded, 'up');
    };
    try {
      await Promise.race([phases(), lost]);
    } finally {
      over.abort();
      for (const pinger of pingers) pinger.stop();
      await aside.close();
    }
  };

  const idleRtts = (): Float64Array =>
    risingRtts(separate, Number.NEGATIVE_INFINITY, idleToMs ?? Number.POSITIVE_INFINITY);

  const loadedOf = (current: Load | null, idleP50Us: number | null): LoadedRtt | null => {
    if (current === null) return null;
    const { fromMs, toMs, first, newest } = current;
    const separateRtts = risingRtts(separate, fromMs, toMs);
    const ownRtts = risingRtts(own, fromMs, toMs);
    const separateUs = summariseSorted(separateRtts);
    const working = workingOf(separateRtts, ownRtts);
    const moved = first &&
      newest && {
        bytes: newest.bytes - first.bytes,
        durationUs: newest.durationUs - first.durationUs,
      };
    return {
      separateUs,
      ownUs: summariseSorted(ownRtts),
      workingUs: working,
      rpm: working === null ? null : 60e6 / working,
      addedUs: separateUs === null || idleP50Us === null ? null : separateUs.p50 - idleP50Us,
      goodputBps: moved && moved.durationUs > 0 ? Math.round(goodputBps(moved)) : null,
    };
  };

  const detail = (): DetailOf<'responsiveness'> => {
    const idleUs = summariseSorted(idleRtts());
    const down = loadedOf(loads.down, idleUs?.p50 ?? null);
    const up = loadedOf(loads.up, idleUs?.p50 ?? null);
    const workingUs = meanOf(down?.workingUs, up?.workingUs);
    const addedUs = meanOf(down?.addedUs, up?.addedUs);
    return {
      kind: 'responsiveness',
      idleUs,
      down,
      up,
      rpm: workingUs === null ? null : 60e6 / workingUs,
      addedUs,
      grade: addedUs === null ? null : gradeOfBloat(addedUs),
    } satisfies ResponsivenessDetail;
  };

  return {
    durationMs,
    part: 0,
    get newest() {
      return `rtt ${formatDuration(newestUs)}`;
    },
    measure: () => context.withSession({ during: 'responsiveness', serverSends: true }, measure),
    figures: () => {
      const figures = detail();
      return {
        rttUs: figures.idleUs,
        bytesDown: loads.down?.newest?.bytes ?? null,
        bytesUp: loads.up?.newest?.bytes ?? null,
        goodputDownBps: figures.down?.goodputBps ?? null,
        goodputUpBps: figures.up?.goodputBps ?? null,
        detail: figures,
      };
    },
    fault: () =>
      detail().rpm === null
        ? new LabError(
            'RL_CONNECTION_LOST',
            'Too few pings were answered under load to tell the responsiveness',
            {
              hint: 'Measure longer: raise the duration.',
            },
          )
        : null,
  };
}

/** RTTs of the pings sent in [fromMs, toMs) that were answered, rising. */
function risingRtts(pings: readonly PingSample[], fromMs: number, toMs: number): Float64Array {
  const rtts = pings.flatMap(({ atMs, rttUs }) =>
    rttUs !== null && atMs >= fromMs && atMs < toMs ? [rttUs] : [],
  );
  return Float64Array.from(rtts).sort();
}

/** Null unless both are there: the mean of one direction is not that of two. */
const meanOf = (a: number | null | undefined, b: number | null | undefined): number | null =>
  a == null || b == null ? null : (a + b) / 2;
