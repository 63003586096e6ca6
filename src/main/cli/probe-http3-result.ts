/** The result of probing an https URL: what `--json` prints, and the tables made from it. */
import type { ErrorBody } from '../../shared/errors.ts';
import { goodputBps, quantile } from '../../shared/samples.ts';
import type { RequestSample } from '../probe/http3.ts';
import { paint, print, table } from './output.ts';

interface Spread {
  p50: number;
  p95: number;
}

/** One request; absent fields were not measured. */
interface RequestResult {
  status?: number;
  dns_ms?: number;
  handshake_ms?: number;
  ttfb_ms?: number;
  until_first_byte_ms?: number;
  total_ms?: number;
  body_bytes: number;
  goodput_bps?: number;
  resumed?: true;
  early_data?: 'accepted' | 'rejected';
  headers?: Record<string, string>;
  error?: ErrorBody;
}

export interface Http3Result {
  /** Of one among several targets. */
  label?: string;
  target: string;
  mode: 'http3';
  /** Ours, which governs what the request carries; absent without content, since the response is governed by the server's. */
  congestion?: string;
  duration_s: number;
  method: string;
  /** Requests made, and answered in full. */
  sent: number;
  received: number;
  /** Of the requests, those on a resumed session, and those taken as early data; absent where neither was tried. */
  resumed?: number;
  early_data_accepted?: number;
  dns_ms?: Spread;
  handshake_ms?: Spread;
  /** Request sent to the header section of the response. */
  ttfb_ms?: Spread;
  /** Name resolution, handshake and request up to there: what early data makes shorter. */
  until_first_byte_ms?: Spread;
  /** Name resolution, handshake, request and the whole response. */
  total_ms?: Spread;
  /** Content received, of all responses. */
  bytes: number;
  /** Median of content over the time from the request being sent to its last byte. */
  goodput_bps?: { down: number };
  requests: RequestResult[];
  /** Content of each request. */
  sent_bytes?: number;
  emulated?: true;
  started_at: string;
  insecure?: true;
  interrupted?: true;
  error?: ErrorBody;
}

/** Fields of a response that tell who answered, and with what. */
const TELLING = ['server', 'via', 'content-type', 'content-length', 'content-encoding', 'age', 'alt-svc'];
/** Requests that the table lists; `--json` has all. */
const MOST_ROWS = 20;

const ms = (us: number): number => Math.round(us) / 1000;

function requestResult(sample: RequestSample): RequestResult {
  const { dnsUs, handshakeUs, firstByteUs, untilFirstByteUs, totalUs, responseUs, bodyBytes, response } =
    sample;
  const telling = (response?.headers ?? []).filter(([name]) => TELLING.includes(name));
  return {
    ...(response && { status: response.status }),
    ...(dnsUs !== null && { dns_ms: ms(dnsUs) }),
    ...(handshakeUs !== null && { handshake_ms: ms(handshakeUs) }),
    ...(firstByteUs !== null && { ttfb_ms: ms(firstByteUs) }),
    ...(untilFirstByteUs !== null && { until_first_byte_ms: ms(untilFirstByteUs) }),
    ...(totalUs !== null && { total_ms: ms(totalUs) }),
    body_bytes: bodyBytes,
    ...(bodyBytes > 0 && {
      goodput_bps: Math.round(goodputBps({ bytes: bodyBytes, durationUs: responseUs! })),
    }),
    ...(sample.resumed && { resumed: true as const }),
    ...(sample.earlyData && { early_data: sample.earlyData }),
    ...(response && { headers: Object.fromEntries(telling) }),
    ...(sample.error && { error: sample.error.toBody() }),
  };
}

function spread(values: readonly (number | undefined)[]): Spread | null {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted.length === 0
    ? null
    : { p50: round(quantile(sorted, 0.5)), p95: round(quantile(sorted, 0.95)) };
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

export function http3Fields(
  samples: readonly RequestSample[],
): Pick<Http3Result, 'sent' | 'received' | 'bytes' | 'requests'> & Partial<Http3Result> {
  const requests = samples.map(requestResult);
  const of = (name: (typeof PHASES)[number][1]) => {
    const found = spread(requests.map((request) => request[name]));
    return found === null ? {} : { [name]: found };
  };
  const goodput = spread(requests.map(({ goodput_bps }) => goodput_bps));
  return {
    sent: samples.length,
    received: samples.filter(({ totalUs }) => totalUs !== null).length,
    ...of('dns_ms'),
    ...of('handshake_ms'),
    ...of('ttfb_ms'),
    ...of('until_first_byte_ms'),
    ...of('total_ms'),
    bytes: samples.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
    ...(goodput && { goodput_bps: { down: Math.round(goodput.p50) } }),
    requests,
  };
}

/** What a server said, without what would move a terminal's cursor. */
const visible = (text: string): string => text.replace(/[^\x20-\x7e\xa0-\xff]/g, '?');

const PHASES = [
  ['dns', 'dns_ms'],
  ['handshake', 'handshake_ms'],
  ['first byte', 'ttfb_ms'],
  ['until first byte', 'until_first_byte_ms'],
  ['total', 'total_ms'],
] as const;

export function printHttp3(result: Http3Result): void {
  const marks = [
    ...(result.emulated ? ['emulated'] : []),
    ...(result.insecure ? ['insecure: certificate not checked'] : []),
    ...(result.interrupted ? ['interrupted'] : []),
  ];
  const head = [
    paint('bold', result.target),
    result.method,
    'http3',
    ...(result.congestion ? [result.congestion] : []),
  ];
  print([...head, ...marks.map((mark) => paint('yellow', mark))].join('  '));
  const [first] = result.requests;
  if (result.requests.length > 1) print(requestTable(result.requests));
  print(summaryTable(result));
  const said = Object.entries(first?.headers ?? {});
  if (said.length > 0)
    print(
      table(
        said.map(([name, value]) => [name, visible(value)]),
        ['left', 'left'],
      ),
    );
}

function requestTable(requests: readonly RequestResult[]): string {
  const cell = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(3));
  // Eighty columns: what no request has, such as the resolution of an address, takes none of them.
  const phases = PHASES.filter(([, name]) => requests.some((request) => request[name] !== undefined));
  const rows = requests
    .slice(0, MOST_ROWS)
    .map((request) => [
      String(request.status ?? '–'),
      ...phases.map(([, name]) => cell(request[name])),
      String(request.body_bytes),
      request.goodput_bps === undefined ? '–' : (request.goodput_bps / 1e6).toFixed(3),
      request.error?.code ?? '',
    ]);
  const titles = ['status', ...phases.map(([label]) => label), 'body B', 'Mbit/s', ''];
  const left = requests.length - rows.length;
  const text = table(
    [titles, ...rows],
    titles.map((title) => (title === '' ? 'left' : 'right')),
  );
  return `${text}\n${paint('dim', 'times in ms')}\n${left > 0 ? `and ${left} more (--json has all)\n` : ''}`;
}

function summaryTable(result: Http3Result): string {
  const rows: [string, string, string][] = [];
  const isOne = result.requests.length === 1;
  if (isOne && result.requests[0]!.status !== undefined)
    rows.push(['status', String(result.requests[0]!.status), '']);
  if (!isOne) {
    rows.push(['sent', String(result.sent), 'requests']);
    rows.push(['answered', String(result.received), 'requests']);
  }
  for (const [label, name] of PHASES) {
    const value = result[name];
    if (value === undefined) continue;
    rows.push([isOne ? label : `${label} p50`, value.p50.toFixed(3), 'ms']);
    if (!isOne) rows.push([`${label} p95`, value.p95.toFixed(3), 'ms']);
  }
  if (result.sent_bytes !== undefined) rows.push(['request body', String(result.sent_bytes), 'B']);
  if (result.resumed !== undefined) rows.push(['resumed', String(result.resumed), 'sessions']);
  if (result.early_data_accepted !== undefined)
    rows.push(['early data', String(result.early_data_accepted), 'accepted']);
  rows.push(['body', String(result.bytes), 'B']);
  if (result.goodput_bps)
    rows.push([isOne ? 'goodput' : 'goodput p50', (result.goodput_bps.down / 1e6).toFixed(3), 'Mbit/s']);
  rows.push(['time', result.duration_s.toFixed(1), 's']);
  return table(rows, ['left', 'right', 'unit']);
}
