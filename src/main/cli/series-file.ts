/** `--series`: what the congestion controllers did, as CSV with a row for each point, or as JSON. */
import { writeFileSync } from 'node:fs';
import {
  appendSeries,
  CONGESTION_COLUMNS,
  type CongestionColumn,
  type CongestionSeries,
  emptySeries,
} from '../../shared/congestion-series.ts';
import { LabError } from '../../shared/errors.ts';
import type { ProbeSeries, Vantage } from '../../shared/probes.ts';
import { checkFile, unwritable } from './writable.ts';

const FIELD = '--series';

/** The file to write to, found out to be writable. Throws RL_INPUT_INVALID for another kind of file. */
export function checkSeriesFile(path: string): string {
  if (!/\.(csv|json)$/i.test(path))
    throw new LabError('RL_INPUT_INVALID', `${FIELD}: "${path}" ends in neither .csv nor .json`, {
      field: FIELD,
    });
  checkFile(path, FIELD);
  return path;
}

export class SeriesFile {
  readonly #path: string;
  readonly #series = new Map<Vantage, CongestionSeries>();

  constructor(path: string) {
    this.#path = path;
  }

  add({ vantage, series }: ProbeSeries): void {
    const own = this.#series.get(vantage) ?? emptySeries();
    appendSeries(own, series);
    this.#series.set(vantage, own);
  }

  /** Throws RL_FILE_UNWRITABLE. */
  write(): void {
    const isJson = /\.json$/i.test(this.#path);
    try {
      writeFileSync(
        this.#path,
        isJson ? `${JSON.stringify(Object.fromEntries(this.#series))}\n` : this.#csv(),
      );
    } catch (cause) {
      throw unwritable(FIELD, cause);
    }
  }

  #csv(): string {
    const lines = [['vantage', 't_us', ...CONGESTION_COLUMNS.map(snakeCase), 'state'].join(',')];
    for (const [vantage, series] of this.#series) {
      let phase = -1;
      for (const [row, tUs] of series.tUs.entries()) {
        while ((series.phases[phase + 1]?.fromUs ?? Number.POSITIVE_INFINITY) <= tUs) phase++;
        const values = CONGESTION_COLUMNS.map((name) => series[name][row] ?? '');
        lines.push([vantage, tUs, ...values, series.phases[phase]?.state ?? ''].join(','));
      }
    }
    return `${lines.join('\n')}\n`;
  }
}

const snakeCase = (name: CongestionColumn): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
