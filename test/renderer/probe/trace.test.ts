import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bandsOf, statesOf, styleOf } from '../../../src/renderer/features/probe/congestion/phases.ts';
import { spoken, summarise } from '../../../src/renderer/features/probe/congestion/readings.ts';
import { axisTo, ticksWithin, worthShowing } from '../../../src/renderer/features/probe/congestion/scale.ts';
import { CongestionTrace } from '../../../src/renderer/features/probe/congestion/trace.ts';
import { traceOf } from './fixtures.ts';

const trace = (...chunks: ReturnType<typeof traceOf>[]): CongestionTrace => {
  const made = new CongestionTrace();
  for (const chunk of chunks) made.put(chunk);
  return made;
};

describe('a trace', () => {
  it('grows by what comes, null where nothing is known', () => {
    const grown = trace(traceOf([1, 2], { cwndBytes: [10, null] }), traceOf([3], { cwndBytes: [30] }));
    expect([...grown.tUs]).toEqual([1, 2, 3]);
    expect([0, 1, 2, 3, -1].map((index) => grown.at('cwndBytes', index))).toEqual([10, null, 30, null, null]);
    expect(grown.endUs).toBe(3);
  });

  it('begins anew when all of it comes again, as after a reconnect', () => {
    const again = trace(
      traceOf([1, 2, 3], {}, [{ fromUs: 0, state: 'startup' }]),
      traceOf([1, 3, 5], {}, [{ fromUs: 0, state: 'drain' }]),
    );
    expect([...again.tUs]).toEqual([1, 3, 5]);
    expect(again.phases).toEqual([{ fromUs: 0, state: 'drain' }]);
  });

  it('does not count a phase twice that a chunk begins in', () => {
    const phases = [{ fromUs: 0, state: 'startup' }];
    expect(
      trace(traceOf([1], {}, phases), traceOf([2], {}, [{ fromUs: 2, state: 'startup' }])).phases,
    ).toEqual(phases);
  });

  it('takes a window in more detail and keeps the rest', () => {
    const detailed = trace(
      traceOf([0, 100, 200, 300], { rttUs: [1, 2, 3, 4] }, [
        { fromUs: 0, state: 'a' },
        { fromUs: 150, state: 'b' },
        { fromUs: 250, state: 'c' },
      ]),
    );
    detailed.replace(
      traceOf([110, 150, 190], { rttUs: [21, null, 23] }, [
        { fromUs: 0, state: 'a' },
        { fromUs: 120, state: 'x' },
      ]),
      { fromUs: 100, toUs: 201 },
    );
    expect([...detailed.tUs]).toEqual([0, 110, 150, 190, 300]);
    expect([0, 1, 2, 3, 4].map((index) => detailed.at('rttUs', index))).toEqual([1, 21, null, 23, 4]);
    expect(detailed.phases.map(({ state }) => state)).toEqual(['a', 'x', 'c']);
  });

  it('finds the sample and the phase that hold a moment', () => {
    const held = trace(traceOf([10, 20], {}, [{ fromUs: 15, state: 'startup' }]));
    expect([9, 10, 19, 20, 99].map((us) => held.indexAt(us))).toEqual([-1, 0, 0, 1, 1]);
    expect([14, 15].map((us) => held.phaseAt(us)?.state)).toEqual([undefined, 'startup']);
  });

  it('is the same however it was cut into chunks', () => {
    const times = fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.nat(200), (unsorted, cut) => {
        const tUs = unsorted.toSorted((a, b) => a - b);
        const cwnd = tUs.map((us) => us * 2);
        const chunk = (from: number, to?: number) =>
          traceOf(tUs.slice(from, to), { cwndBytes: cwnd.slice(from, to) });
        const whole = trace(chunk(0));
        const parted = trace(chunk(0, cut), chunk(cut));
        expect([...parted.tUs]).toEqual([...whole.tUs]);
        expect([...parted.column('cwndBytes')]).toEqual([...whole.column('cwndBytes')]);
      }),
    );
  });
});

describe('phases', () => {
  const phases = [
    { fromUs: 0, state: 'Startup' },
    { fromUs: 40, state: 'Drain' },
    { fromUs: 50, state: 'ProbeBW_UP' },
  ];

  it('are called the same however an implementation writes them', () => {
    const written = ['ProbeBW_UP', 'probe_bw_up', 'PROBE_BW_UP', 'probe-bw-up', 'ProbeBWUp'];
    expect(written.slice(0, 4).map((state) => styleOf(state).label)).toEqual(Array(4).fill('ProbeBW: up'));
    expect(styleOf('slow_start').label).toBe('Slow start');
    expect(styleOf('ProbeRTT').label).toBe('ProbeRTT');
  });

  it('that are not known keep their own name and a look of their own', () => {
    expect(styleOf('hyper-drive')).toEqual(styleOf('hyper-drive'));
    expect(styleOf('hyper-drive').label).toBe('hyper-drive');
    expect(styleOf('hyper-drive').hatch).not.toBe('none');
  });

  it('are cut to the window, the last one to the end of the flow', () => {
    expect(bandsOf(phases, { fromUs: 20, toUs: 60 }, 100)).toEqual([
      { state: 'Startup', fromUs: 20, toUs: 40 },
      { state: 'Drain', fromUs: 40, toUs: 50 },
      { state: 'ProbeBW_UP', fromUs: 50, toUs: 60 },
    ]);
    expect(bandsOf(phases, { fromUs: 60, toUs: 200 }, 100)).toEqual([
      { state: 'ProbeBW_UP', fromUs: 60, toUs: 100 },
    ]);
  });

  it('take shares of the time', () => {
    expect(statesOf(phases, 100).map(({ share }) => share)).toEqual([0.4, 0.1, 0.5]);
  });
});

describe('axes', () => {
  it('end at a round number that holds the greatest value', () => {
    expect(axisTo(174.9, 5)).toEqual({ max: 200, ticks: [0, 50, 100, 150, 200], digits: 0 });
    expect(axisTo(0.034, 3).ticks.map((tick) => tick.toFixed(2))).toEqual(['0.00', '0.02', '0.04']);
    expect(axisTo(0, 4).max).toBe(1);
  });

  it('never end below the value, for any value', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1e12, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        (value, most) => {
          const { max, ticks } = axisTo(value, most);
          expect(max).toBeGreaterThanOrEqual(value * (1 - 1e-9));
          expect(ticks.length).toBeLessThanOrEqual(most + 2);
        },
      ),
    );
  });

  it('of time have round moments within the window', () => {
    expect(ticksWithin(3.1, 4.7, 4).ticks.map((tick) => tick.toFixed(1))).toEqual(['3.5', '4.0', '4.5']);
    expect(ticksWithin(0, 12.4, 12).ticks).toHaveLength(7);
  });
});

describe('a flow in words', () => {
  const flow = trace(
    traceOf(
      [0, 500_000, 1_000_000],
      {
        cwndBytes: [12_000, 24_000, 18_000],
        rttUs: [20_000, 41_500, null],
        bandwidthBps: [null, 8e6, 9e6],
        lostPackets: [0, 3, 5],
      },
      [
        { fromUs: 0, state: 'slow-start' },
        { fromUs: 400_000, state: 'recovery' },
      ],
    ),
  );

  it('tells extents, losses and shares of phases', () => {
    expect(summarise('Run 7', flow, { fromUs: 0, toUs: 2e6 })).toBe(
      'Run 7, 0.000 s to 1.000 s, 3 samples: cwnd 12.0 kB to 24.0 kB, bandwidth estimate at the end 9.00 Mbit/s, ' +
        'RTT 20.0 ms to 41.5 ms, 5 packets lost. ' +
        'Phases of the whole flow: Recovery 60 %, Slow start 40 %.',
    );
  });

  it('counts only the losses of the window', () => {
    expect(summarise('Run 7', flow, { fromUs: 600_000, toUs: 2e6 })).toContain('2 packets lost');
    expect(summarise('Run 7', flow, { fromUs: 2e6, toUs: 3e6 })).toBe('Run 7: no samples.');
  });

  it('says of a moment what is known of it', () => {
    expect(spoken('Run 7', flow, 500_000)).toBe(
      'Run 7 Recovery, cwnd 24.0 kB, bandwidth estimate 8.00 Mbit/s, RTT 41.5 ms, 3 packets lost so far',
    );
    expect(spoken('Run 7', new CongestionTrace(), 0)).toBe('Run 7 nothing known yet');
  });
});

describe('a burst far above the rest', () => {
  it('may leave the panel where it is short, and only there', () => {
    const steady = Array.from({ length: 99 }, () => 20);
    expect(worthShowing(Float64Array.from([300, ...steady]))).toBe(40);
    expect(worthShowing(Float64Array.from([60, ...steady]))).toBe(60);
    expect(worthShowing(Float64Array.from([300, 300, 300, 300, 300, ...steady]))).toBe(300);
    expect(worthShowing(new Float64Array(0))).toBe(0);
  });
});
