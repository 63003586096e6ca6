/**
 * Metric families as text: the Prometheus exposition format 0.0.4 and OpenMetrics 1.0, and the choice between them.
 */

interface Sample {
  /** After the family’s name: `_sum`, `_count`, `_bucket`; a counter’s `_total` is not repeated here. */
  suffix?: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface FamilyHead {
  /** As in the Prometheus format: a counter’s name ends with `_total`. */
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'summary' | 'histogram';
}

export interface Family extends FamilyHead {
  samples: readonly Sample[];
}

export type Format = 'text' | 'openmetrics';

export const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** A longer text becomes bytes: one that is put together of a hundred thousand pieces is dear to collect. */
const PART_CHARACTERS = 8192;
/** Of a character of a string in UTF-8, at most. */
const MOST_BYTES = 3;
const FIRST_BYTES = 2 ** 16;

/** Writes families one after the other. Those without a sample are left out. */
export class ExpositionWriter {
  readonly #format: Format;
  #name = '';
  /** Of a family that has no sample yet. */
  #head = '';
  #text = '';
  /** Where what came before `text` is, so many bytes of it. */
  #bytes: Buffer;
  #length = 0;

  /** Writes into `bytes` while they last. */
  constructor(format: Format, bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)) {
    this.#format = format;
    this.#bytes = bytes;
  }

  /** What the next writer may write into, once this one is not used any more. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  begin({ name, help, type }: FamilyHead): void {
    const format = this.#format;
    // OpenMetrics names a counter’s family without the suffix that its samples have.
    const family = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
    this.#name = name;
    this.#head = `# HELP ${family} ${escapeHelp(help, format)}\n# TYPE ${family} ${type}\n`;
  }

  /** `labels` as `labelText` writes them. */
  sample(labels: string, value: number, suffix = ''): void {
    if (this.#head !== '') {
      this.#text += this.#head;
      this.#head = '';
    }
    this.#text += `${this.#name}${suffix}${labels === '' ? '' : `{${labels}}`} ${number(value)}\n`;
    if (this.#text.length > PART_CHARACTERS) this.#close();
  }

  families(families: Iterable<Family>): void {
    for (const family of families) {
      this.begin(family);
      for (const { suffix, labels, value } of family.samples) this.sample(labelText(labels), value, suffix);
    }
  }

  end(): void {
    if (this.#format === 'openmetrics') this.#text += '# EOF\n';
  }

  /** What was written since it was last taken. */
  take(): Buffer {
    this.#close();
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #close(): void {
    const least = this.#length + MOST_BYTES * this.#text.length;
    if (least > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(least, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(this.#text, this.#length);
    this.#text = '';
  }
}

/** `a="1",b="2"`, escaped, without those that are undefined. */
export function labelText(labels: Readonly<Record<string, string | undefined>>): string {
  let pairs = '';
  for (const label in labels) {
    const text = labels[label];
    if (text !== undefined) pairs += `${pairs === '' ? '' : ','}${label}="${escapeLabel(text)}"`;
  }
  return pairs;
}

/** A bucket’s upper bound or a quantile as a label value: OpenMetrics wants `1.0` where the older format has `1`. */
export function bound(value: number, format: Format): string {
  return format === 'openmetrics' && Number.isInteger(value) ? `${value}.0` : number(value);
}

/** The format an HTTP Accept header asks for; the older one when it does not say, as curl does not. */
export function negotiate(accept: string | undefined): Format {
  let openMetrics = 0;
  let text = 0;
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const values = new Map(parameters.map((parameter) => parameter.split('=', 2) as [string, string]));
    const quality = values.has('q') ? Number(values.get('q')) : 1;
    const version = values.get('version')?.replaceAll('"', '');
    if (type === 'application/openmetrics-text') {
      if (version === undefined || version === '1.0.0') openMetrics = Math.max(openMetrics, quality);
    } else if (type === 'text/plain' || type === 'text/*' || type === '*/*') {
      if (version === undefined || version === '0.0.4') text = Math.max(text, quality);
    }
  }
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'text';
}

const number = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);

const escapeLabel = (text: string): string =>
  /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text;

/** OpenMetrics escapes quotes in help texts too. */
const escapeHelp = (text: string, format: Format): string =>
  format === 'openmetrics' ? escapeLabel(text) : text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
