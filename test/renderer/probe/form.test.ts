import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fieldOf,
  fieldsFrom,
  fieldsOf,
  NEW_PROBE,
  parseProbe,
} from '../../../src/renderer/features/probe/form/values.ts';
import { partsOf } from '../../../src/renderer/features/probe/import/parts.ts';
import {
  figuresOf,
  headline,
  isWithoutSender,
  senderOf,
  shownOf,
  stepsOf,
} from '../../../src/renderer/features/probe/run/figures.ts';
import { verdictOfRun } from '../../../src/renderer/features/probe/run/verdict.ts';
import { readProbeSearch, readRunId } from '../../../src/renderer/features/probe/view.ts';
import { changedOf } from '../../../src/renderer/parts/form/parameters.ts';
import { errorsUnder } from '../../../src/renderer/parts/issues.ts';
import { NOTHING_MEASURED, ProbeInput, type ProbeResult, type ProbeRun } from '../../../src/shared/probes.ts';

const specs = [
  { name: 'Beta', default: 0.7, unit: 'ratio', min: 0.5, max: 0.95, section: '§4.6', doc: 'Decrease.' },
  { name: 'Rounds', default: 3, unit: 'count', min: 1, max: 6, section: '§5.3', doc: 'Rounds.' },
];

const result = { ...NOTHING_MEASURED, durationUs: 4e6 };

const run = (input: Partial<ProbeInput>, measured: Partial<ProbeResult> | null): ProbeRun => ({
  id: 7,
  name: 'wifi download',
  state: 'done',
  input: ProbeInput.parse({ target: { kind: 'route', id: 'lan' }, mode: 'download', ...input }),
  target: 'LAN',
  controller: 'cubic',
  createdAtMs: 0,
  startedAtMs: 0,
  endedAtMs: 4000,
  emulated: false,
  insecure: false,
  imported: false,
  error: null,
  result: measured && { ...result, ...measured },
  series: [],
});

describe('the probe form', () => {
  const address = { ...NEW_PROBE, kind: 'address' as const, host: 'probe.example.net', port: 4433 };

  it('becomes the input of the contract, with only the parameters that were changed', () => {
    const { input } = parseProbe(
      { ...address, name: ' Lunch ', parameters: { Beta: 0.7, Rounds: 4, Gone: 9 } },
      specs,
    );
    expect(input).toEqual(
      ProbeInput.parse({
        name: 'Lunch',
        target: { kind: 'address', host: 'probe.example.net', port: 4433 },
        mode: 'download',
        parameters: { Rounds: 4 },
      }),
    );
    expect(changedOf({ Beta: '', Rounds: 3 }, specs)).toEqual({});
  });

  it('gives back the input it was filled from', () => {
    const inputs: ProbeInput[] = [
      parseProbe(address, specs).input!,
      parseProbe({ ...NEW_PROBE, kind: 'route', routeId: 'lan', mode: 'ping', ratePerS: 50 }, specs).input!,
      parseProbe({ ...NEW_PROBE, parameters: { Beta: 0.5 } }, specs).input!,
      parseProbe({ ...NEW_PROBE, mode: 'handshake', handshake: '0-rtt', count: 5 }, specs).input!,
      parseProbe({ ...NEW_PROBE, mode: 'streams', streams: 9, bytes: 1e6 }, specs).input!,
      parseProbe({ ...NEW_PROBE, mode: 'migration', moves: ['active'] }, specs).input!,
      parseProbe({ ...NEW_PROBE, mode: 'http3', path: '/bytes/5' }, specs).input!,
      parseProbe({ ...NEW_PROBE, warmUpS: 2 }, specs).input!,
    ];
    for (const input of inputs) expect(parseProbe(fieldsOf(input), specs).input).toEqual(input);
  });

  it('is kept as text and read back; of what makes no sense in it the rest is kept', () => {
    const fields = { ...address, mode: 'ping' as const, bytes: 5e6, parameters: { Beta: 0.5 } };
    const { emulation: _, ...kept } = fields;
    expect(fieldsFrom(JSON.stringify(fields))).toMatchObject(kept);
    expect(fieldsFrom(JSON.stringify({ ...fields, mode: 'sideways', port: {} }))).toMatchObject({
      host: 'probe.example.net',
      mode: NEW_PROBE.mode,
      port: NEW_PROBE.port,
    });
    expect(fieldsFrom(null)).toEqual(NEW_PROBE);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void fieldsFrom(text)));
  });

  it('is not at fault in a field that its mode does not show', () => {
    const hidden = parseProbe({ ...address, mode: 'handshake', ratePerS: '', bytes: -1 }, specs);
    expect(hidden.input).toMatchObject({ mode: 'handshake', bytes: null, ratePerS: NEW_PROBE.ratePerS });
    const elsewhere = { warmUpS: 99, handshake: '0-rtt', streams: '', path: 'no slash', moves: [] } as const;
    const plain = parseProbe({ ...address, ...elsewhere, moves: [], mode: 'ping' }, specs);
    expect(plain.input).toMatchObject({ warmUpS: 0, handshake: 'cold', streams: 4, path: '/' });
    expect(parseProbe({ ...address, mode: 'ping', ratePerS: '' }, specs).errors).toEqual({
      ratePerS: 'a value is required',
    });
  });

  it('names each field at fault, in words', () => {
    expect(
      parseProbe(
        { ...address, host: 'two words', port: '', durationS: 0.5, parameters: { Beta: 2, Rounds: 1.5 } },
        specs,
      ).errors,
    ).toEqual({
      host: 'not a host name or an IP address',
      port: 'a value is required',
      durationS: 'at least 1',
      'parameters.Beta': 'from 0.5 to 0.95',
      'parameters.Rounds': 'a whole number is required',
    });
    expect(parseProbe({ ...NEW_PROBE, kind: 'route' }, specs).errors).toHaveProperty('routeId');
    expect(parseProbe({ ...address, warmUpS: 10 }, specs).errors).toEqual({
      warmUpS: '10 s leave nothing of 10 s to measure',
    });
    expect(parseProbe({ ...address, mode: 'http3', path: 'x' }, specs).errors).toHaveProperty('path');
  });

  it('finds the field that the lab means', () => {
    expect(['target.host', 'target.id', 'target.emulation.up.rateBps', 'durationS'].map(fieldOf)).toEqual([
      'host',
      'routeId',
      'emulation.up.rateBps',
      'durationS',
    ]);
    expect(errorsUnder('emulation', { emulation: 'a', 'emulation.up.delayMs': 'b', name: 'c' })).toEqual({
      '': 'a',
      'up.delayMs': 'b',
    });
  });
});

describe('the address of a run', () => {
  it('drops what makes no sense', () => {
    expect(['7', '07', '-1', 'x', '1e3', '', undefined].map(readRunId)).toEqual([
      7,
      7,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(readProbeSearch({ with: 3 })).toEqual({ with: 3 });
    expect(readProbeSearch({ with: 'x', other: 1 })).toEqual({});
  });
});

describe('the figures of a run', () => {
  it('are the same ones before, while and after it is measured', () => {
    for (const mode of ['ping', 'handshake', 'download', 'upload', 'bidi', null] as const) {
      const ids = figuresOf(mode, null, 'client').map(({ id }) => id);
      expect(figuresOf(mode, result, 'client').map(({ id }) => id)).toEqual(ids);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('are of the end that sends, though only the other has told', () => {
    const download = { ...run({}, { bytesDown: 1e6 }), controller: null };
    const series = [{ vantage: 'client', points: 9, spanUs: 1e6 }] as const;
    expect(senderOf({ ...download, series: [...series] })).toBe('server');
    expect(isWithoutSender({ ...download, series: [...series] })).toBe(true);
    expect(isWithoutSender({ ...download, controller: 'cubic' })).toBe(false);
    expect(isWithoutSender({ ...run({ mode: 'upload' }, { bytesUp: 1e6 }), controller: null })).toBe(false);
  });

  it('and the view are of one end from the beginning', () => {
    const client = { vantage: 'client', points: 9, spanUs: 1e6 } as const;
    const beginning = { ...run({}, null), state: 'running', controller: null, series: [client] } as const;
    const of = (fields: Partial<ProbeRun>) =>
      shownOf({ ...beginning, series: [...beginning.series], ...fields });
    expect(of({})).toBe('server');
    // By now it would have told.
    expect(of({ result: { ...result, bytesDown: 1000 } })).toBe('client');
    expect(of({ state: 'failed' })).toBe('client');
    expect(of({ state: 'done', series: [{ ...client, vantage: 'server' }, client] })).toBe('server');
  });

  it('are those of the newest point until the sender has told what it counted', () => {
    const newest = { rttUs: 21_000, minRttUs: 20_000, lostPackets: 3 };
    const shown = (measured: ProbeResult) =>
      Object.fromEntries(
        figuresOf('download', measured, 'server', newest).map(({ id, value }) => [id, value]),
      );
    expect(shown(result)).toMatchObject({
      'transport-min-rtt': 20_000,
      'transport-srtt': 21_000,
      'packets-lost': 3,
      'packets-sent': null,
    });
    const transport = { vantage: 'server', minRttUs: 19_000, packetsLost: 4 } as ProbeResult['transport'][0];
    expect(shown({ ...result, transport: [transport] })).toMatchObject({
      'transport-min-rtt': 19_000,
      'packets-lost': 4,
    });
  });

  it('have one that stands for all in the list', () => {
    expect(headline(run({}, { goodputDownBps: 12.34e6 }))).toBe('12.34 Mbit/s down');
    expect(headline(run({ mode: 'upload' }, { goodputUpBps: 1e6 }))).toBe('1.00 Mbit/s up');
    expect(headline(run({}, null))).toBeNull();
  });

  it('say how far it is', () => {
    expect(stepsOf(run({ mode: 'ping', durationS: 10, ratePerS: 20 }, { sent: 34 }))).toBe(
      '34 of 200 pings, 4.0 of 10 s',
    );
    expect(stepsOf(run({ bytes: 5e6 }, { bytesDown: 1e6 }))).toBe('1.0 MB of 5.0 MB, 4.0 of 10 s');
  });
});

describe('the verdict on a run', () => {
  it('judges a transfer by its throughput alone', () => {
    expect(verdictOfRun(run({}, { bytesDown: 1e7, goodputDownBps: 25e6 }))?.words).toBe('good for bulk');
    expect(
      verdictOfRun(
        run({ mode: 'bidi' }, { bytesDown: 1, bytesUp: 1, goodputDownBps: 25e6, goodputUpBps: 6e6 }),
      )?.words,
    ).toBe('fair for bulk');
  });

  it('judges pings once there are enough of them', () => {
    const rttUs = { min: 1e4, mean: 1e4, p50: 1e4, p95: 3e5, p99: 3e5, max: 3e5 };
    const pings = { received: 60, lossRatio: 0, rttUs, jitterUs: 1000 };
    expect(verdictOfRun(run({ mode: 'ping' }, { ...pings, sent: 60 }))?.words).toBe('fair for calls');
    const few = run({ mode: 'ping' }, { ...pings, sent: 9, received: 9 });
    expect(verdictOfRun({ ...few, state: 'running' })?.words).toBe('too few pings yet');
    expect(verdictOfRun(few)?.words).toBe('no verdict: 9 pings, 50 are needed');
  });

  it('of a run that is over says why there is none', () => {
    expect(verdictOfRun(run({ mode: 'handshake' }, { handshakeUs: { p50: 1, p95: 2 } }))?.words).toBe(
      'no verdict: no rule judges handshakes',
    );
    expect(verdictOfRun(run({}, {}))?.words).toBe('no verdict: nothing was transferred');
    expect(verdictOfRun({ ...run({}, {}), state: 'running' })?.words).toBe('nothing to judge by yet');
  });

  it('is not given on what was not measured', () => {
    expect(verdictOfRun(run({}, null))).toBeNull();
    expect(verdictOfRun({ ...run({}, {}), input: null })).toBeNull();
  });
});

describe('a file in parts', () => {
  const read = async (text: string, most: number) => {
    const parts: { text: string; more: boolean }[] = [];
    for await (const part of partsOf(new Blob([text]), most)) parts.push(part);
    return parts;
  };

  it('comes whole where it fits, and as one part where it is empty', async () => {
    expect(await read('abc', 10)).toEqual([{ text: 'abc', more: false }]);
    expect(await read('', 10)).toEqual([{ text: '', more: false }]);
  });

  it('is cut so that the parts are the file, none too long and no character broken', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.integer({ min: 2, max: 20 }), async (text, most) => {
        const parts = await read(text, most);
        expect(parts.map((part) => part.text).join('')).toBe(
          new TextDecoder().decode(new TextEncoder().encode(text)),
        );
        expect(parts.map(({ more }) => more)).toEqual(parts.map((_, index) => index < parts.length - 1));
        for (const part of parts) {
          expect(part.text.length).toBeLessThanOrEqual(most);
          expect(part.text.isWellFormed()).toBe(true);
        }
      }),
    );
  });
});
