import { QlogReader } from '../../src/main/quic/qlog/reader.ts';
import { LabError } from '../../src/shared/errors.ts';
import type { FuzzTarget } from './target.ts';

const HEADER =
  '{"qlog_version":"0.3","qlog_format":"JSON-SEQ","title":"t","trace":{"vantage_point":{"type":"server"}}}';
const EVENT =
  '{"time":1.5,"name":"recovery:metrics_updated","data":{"congestion_window":12000,"latest_rtt":3}}';
const STATE = '{"time":2,"name":"recovery:congestion_state_updated","data":{"new":"recovery"}}';
const LISTS =
  '{"qlog_version":"draft-00","traces":[{"configuration":{"time_units":"us"},"event_fields":["relative_time","category",' +
  '"event","data"],"events":[[5,"recovery","metrics_updated",{"cwnd":1500}],[9,"recovery","metrics_updated",{"cwnd":1600}]]}]}';

/** Reads a file in two parts: it is refused as the catalogue has it, or is a series whose columns fit together. */
function run(data: Buffer): void {
  const text = data.toString();
  const cut = data.length === 0 ? 0 : data[0]! % text.length || 1;
  try {
    const reader = new QlogReader();
    reader.push(text.slice(0, cut));
    reader.push(text.slice(cut));
    const { series } = reader.end();
    if (series.tUs.some((tUs, i) => !(tUs >= (series.tUs[i - 1] ?? 0))))
      throw new Error('time runs backwards');
    if (series.cwndBytes.length !== series.tUs.length) throw new Error('a column is shorter than others');
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
  }
}

export const qlogReader: FuzzTarget = {
  name: 'qlog-reader',
  seeds: [
    Buffer.from([HEADER, EVENT, STATE, EVENT].map((record) => `\x1e${record}\n`).join('')),
    Buffer.from(
      `{"qlog_version":"draft-02","traces":[{"vantage_point":{"type":"client"},"events":[${EVENT},${STATE}]}]}`,
    ),
    Buffer.from(LISTS),
  ],
  run,
};
