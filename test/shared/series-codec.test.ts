import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptySeries } from '../../src/shared/congestion-series.ts';
import { LabError } from '../../src/shared/errors.ts';
import { decodeSeries, encodeSeries } from '../../src/shared/series-codec.ts';
import { anySeries } from './series-arbitrary.ts';

test('a series reads back as it was written', () => {
  fc.assert(
    fc.property(anySeries, (series) => {
      expect(decodeSeries(encodeSeries(series))).toEqual(series);
    }),
  );
});

test('fractions are rounded', () => {
  const series = { ...emptySeries(), tUs: [1.4] };
  for (const name of ['cwndBytes', 'inFlightBytes', 'pacingBps', 'bandwidthBps'] as const)
    series[name] = [2.6];
  for (const name of ['rttUs', 'minRttUs', 'lostPackets'] as const) series[name] = [null];
  expect(decodeSeries(encodeSeries(series))).toMatchObject({ tUs: [1], cwndBytes: [3], rttUs: [null] });
});

test('bytes that are none are refused with the catalogue’s error, and nothing else is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        const series = decodeSeries(bytes);
        expect(series.tUs.length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(LabError);
      }
    }),
  );
});

test('a series that is cut off anywhere is refused', () => {
  fc.assert(
    fc.property(anySeries, fc.nat(), (series, at) => {
      const bytes = encodeSeries(series);
      const cut = bytes.subarray(0, at % bytes.length);
      expect(() => decodeSeries(cut)).toThrow(LabError);
    }),
  );
});
