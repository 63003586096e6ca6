import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../src/shared/errors.ts';
import { parseScenario } from '../../src/shared/scenario.ts';

const flow = { controller: 'cubic', rtt_ms: 40 };
const minimal = { duration_s: 10, bottleneck: { rate_bps: 1e7 }, flows: [flow] };

const trace = { kind: 'series', steps: [[0, 1e6, null, 0.1]], periodS: 1 };

function refusal(value: unknown): { field: string | undefined; message: string } {
  try {
    parseScenario(value);
  } catch (error) {
    expect(error).toBeInstanceOf(LabError);
    const { code, field, message } = error as LabError;
    expect(code).toBe('RL_INPUT_INVALID');
    return { field, message };
  }
  throw new Error(`accepted: ${JSON.stringify(value)}`);
}

describe('a scenario', () => {
  it('is the format of DESIGN §5, with defaults for what is left out', () => {
    expect(parseScenario(minimal)).toEqual({
      seed: 1,
      duration_s: 10,
      warmup_s: 0,
      datagram_bytes: 1350,
      bottleneck: { rate_bps: 1e7, aqm: 'droptail' },
      loss: { model: 'none' },
      jitter_ms: 0,
      reorder_rate: 0,
      duplicate_rate: 0,
      flows: [
        {
          controller: 'cubic',
          params: {},
          rtt_ms: 40,
          start_s: 0,
          stop_s: null,
          bytes: null,
          ack_every: 2,
          max_ack_delay_ms: 25,
          idle_timeout_s: 30,
        },
      ],
    });
  });

  it('knows controllers by their other names', () => {
    const { flows } = parseScenario({ ...minimal, flows: [{ ...flow, controller: 'reno' }] });
    expect(flows[0]!.controller).toBe('newreno');
  });

  it.each<[string, unknown, string, RegExp]>([
    ['nothing', undefined, 'scenario', /is missing/],
    ['no flow', { ...minimal, flows: [] }, 'flows', /is \[\].*1/],
    ['no rate', { ...minimal, bottleneck: { rate_bps: 0 } }, 'bottleneck.rate_bps', /is 0;.*1000/],
    ['no time', { ...minimal, duration_s: 0 }, 'duration_s', /is 0;.*0\.001/],
    ['no duration', { ...minimal, duration_s: undefined }, 'duration_s', /is missing; expected number/],
    ['text for a number', { ...minimal, seed: '1' }, 'seed', /is "1"; expected number/],
    ['an unknown field', { ...minimal, colour: 'red' }, 'colour', /no such field/],
    [
      'an unknown field of a flow',
      { ...minimal, flows: [{ ...flow, mss: 1 }] },
      'flows.0.mss',
      /no such field/,
    ],
    [
      'an unknown controller',
      { ...minimal, flows: [{ ...flow, controller: 'vegas' }] },
      'flows.0.controller',
      /is "vegas";.*cubic/,
    ],
    [
      'a warm-up without an end',
      { ...minimal, warmup_s: 10 },
      'warmup_s',
      /is 10;.*less than duration_s, 10/,
    ],
    [
      'a flow that never starts',
      { ...minimal, flows: [{ ...flow, start_s: 10 }] },
      'flows.0.start_s',
      /is 10;.*duration_s, 10/,
    ],
    [
      'a flow that stops before it starts',
      { ...minimal, flows: [{ ...flow, start_s: 2, stop_s: 1 }] },
      'flows.0.stop_s',
      /is 1;.*start_s, 2/,
    ],
    [
      'two buffers',
      { ...minimal, bottleneck: { rate_bps: 1e7, buffer_bytes: 1, buffer_bdp: 1 } },
      'bottleneck.buffer_bdp',
      /contradicts buffer_bytes/,
    ],
    [
      'a schedule of zeros',
      { ...minimal, bottleneck: { rate_bps: 1e7, rate_schedule: [[0, 0]] } },
      'bottleneck.rate_schedule.0.1',
      /is 0;.*1000/,
    ],
    [
      'a schedule of next to nothing',
      { ...minimal, bottleneck: { rate_bps: 1e7, rate_schedule: [[0, 1], [1, 1e6]] } }, // biome-ignore format: rows
      'bottleneck.rate_schedule.0.1',
      /is 1;.*0, or at least 1000/,
    ],
    [
      'jitter beyond the least delay of a trace',
      {
        ...minimal,
        jitter_ms: 6,
        bottleneck: { trace: { kind: 'series', steps: [[0, 1e6, 5, null], [1, 1e6, null, null]], periodS: 2 } }, // biome-ignore format: rows
      },
      'jitter_ms',
      /is 6;.*at most 5, the least delay of the trace/,
    ],
    [
      'a schedule that goes back',
      {
        ...minimal,
        bottleneck: {
          rate_bps: 1e7,
          rate_schedule: [
            [5, 1e6],
            [4, 1e7],
          ],
        },
      },
      'bottleneck.rate_schedule.1.0',
      /is 4;.*more than 5/,
    ],
    [
      'neither rate nor trace',
      { ...minimal, bottleneck: {} },
      'bottleneck.rate_bps',
      /is missing;.*or else a trace/,
    ],
    [
      'both a rate and a trace',
      { ...minimal, bottleneck: { rate_bps: 1e7, trace } },
      'bottleneck.rate_bps',
      /is 10000000;.*or else a trace/,
    ],
    [
      'a schedule beside a trace',
      { ...minimal, bottleneck: { trace, rate_schedule: [[0, 1e6]] } },
      'bottleneck.rate_schedule',
      /is \[\[0,1000000\]\]; contradicts trace/,
    ],
    [
      'a loss model beside a trace with losses',
      { ...minimal, bottleneck: { trace }, loss: { model: 'iid', rate: 0.1 } },
      'bottleneck.trace.steps.0.3',
      /is 0\.1; expected null: contradicts loss, iid/,
    ],
    [
      'jitter of ACKs beyond the delay',
      { ...minimal, reverse: { jitter_ms: 21 } },
      'reverse.jitter_ms',
      /is 21;.*at most 20/,
    ],
    [
      'acknowledgements of nothing',
      { ...minimal, flows: [{ ...flow, ack_every: 'never' }] },
      'flows.0.ack_every',
      /is "never"; expected "asked", or a whole number from 1 to 256/,
    ],
    ['jitter beyond the delay', { ...minimal, jitter_ms: 21 }, 'jitter_ms', /is 21;.*at most 20/],
    ['total loss', { ...minimal, loss: { model: 'iid', rate: 1 } }, 'loss.rate', /is 1;.*1/],
    ['every packet lost', { ...minimal, loss: { model: 'every_nth', n: 1 } }, 'loss.n', /is 1;.*2/],
    ['an unknown loss model', { ...minimal, loss: { model: 'burst' } }, 'loss.model', /is "burst"/],
    [
      'a field of another model',
      { ...minimal, loss: { model: 'iid', rate: 0.1, n: 3 } },
      'loss.n',
      /no such field/,
    ],
  ])('with %s is refused', (_, value, field, message) => {
    const refused = refusal(value);
    expect(refused.field).toBe(field);
    expect(refused.message).toMatch(message);
  });

  it('is parsed to what parses to itself, or refused with a LabError, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('duration_s', 'bottleneck', 'loss', 'flows', 'seed'),
        (value, key) => {
          try {
            const parsed = parseScenario({ ...minimal, [key]: value });
            expect(parseScenario(parsed)).toEqual(parsed);
          } catch (error) {
            if (!(error instanceof LabError)) throw error;
          }
        },
      ),
    );
  });
});
