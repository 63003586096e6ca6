import { parseAnswer } from '../../src/main/telemetry/prometheus-answer.ts';
import { LabError } from '../../src/shared/errors.ts';
import type { FuzzTarget } from './target.ts';

/** An answer is refused as the catalogue has it, or is series whose columns fit together and whose times rise. */
function run(data: Buffer): void {
  try {
    const answer = parseAnswer(data.toString());
    if (answer.status === 'error') return;
    for (const { tMs, values } of answer.series) {
      if (tMs.length !== values.length) throw new Error('a column is shorter than the other');
      if (tMs.some((atMs, i) => i > 0 && !(atMs > tMs[i - 1]!))) throw new Error('times do not rise');
      if (values.some((value) => typeof value !== 'number')) throw new Error('a value is no number');
    }
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
  }
}

const MATRIX =
  '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"quic_rtt_seconds","quantile":"0.5"},' +
  '"values":[[1795266000,"0.0021"],[1795266005.5,"NaN"],[1795266010,"+Inf"],[1795266015,"-1.5e-07"]]}]}}';
const VECTOR =
  '{"status":"success","warnings":["w"],"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]},{"metric":{"a":"b"},"histogram":[1,{}]}]}}';

export const prometheus: FuzzTarget = {
  name: 'prometheus',
  seeds: [
    Buffer.from(MATRIX),
    Buffer.from(VECTOR),
    Buffer.from('{"status":"success","data":{"resultType":"scalar","result":[1.25,"42"]}}'),
    Buffer.from('{"status":"error","errorType":"bad_data","error":"parse error"}'),
  ],
  run,
};
