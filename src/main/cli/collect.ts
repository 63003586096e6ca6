/** `routelab collect`: what a Prometheus has stored, as a table, CSV or JSON. */
import { type Command, Option } from 'commander';
import { csvLine, csvNumber } from '../../shared/csv.ts';
import { LabError } from '../../shared/errors.ts';
import { parseTime } from '../../shared/times.ts';
import { parseDuration } from '../../shared/units.ts';
import { type Collected, type CollectRequest, collect, requestsOf } from '../telemetry/collector.ts';
import { checkUrl, type PrometheusAuth, PrometheusClient } from '../telemetry/prometheus-client.ts';
import { AtomicFile } from './atomic-file.ts';
import { collectTable } from './collect-table.ts';
import { onInterrupt } from './interrupt.ts';
import { collectList, parseChoice, withDefault } from './options.ts';
import { note, paint, print, printError, printJson } from './output.ts';
import { readText } from './readable.ts';

const FORMATS = ['table', 'csv', 'json'] as const;
type Format = (typeof FORMATS)[number];
/** Every metric of the QUIC side. */
const DEFAULT_QUERY = '{__name__=~"quic_.+"}';

interface CollectOptions {
  url?: string;
  metric?: readonly string[];
  start?: string;
  end: string;
  /** Microseconds. */
  step: number;
  /** Microseconds. */
  timeout: number;
  format?: Format;
  output?: string;
  bearerFile?: string;
  bearerEnv?: string;
  user?: string;
  passwordFile?: string;
  passwordEnv?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument('[query...]', `PromQL; default all of RouteLab’s: ${DEFAULT_QUERY}`)
    .option(
      '--url <address>',
      'of Prometheus (default http://$PROMETHEUS_IP:$PROMETHEUS_PORT, where set, else http://127.0.0.1:9090)',
      (text) => checkUrl(text, '--url'),
    )
    .option('--metric <name>', 'metric to read, instead of a query; repeatable', collectList)
    .option(
      '--start <time>',
      'beginning of the range: "1h ago", 2026-11-21T13:00:00Z, unix seconds (default: only --end)',
    )
    .option('--end <time>', 'end of it, included', 'now')
    .addOption(
      withDefault('--step <time>', 'between two points of a range', 5e6, '5s').argParser((text) =>
        parseWhole(text, '--step', 365 * 86_400e6),
      ),
    )
    .addOption(
      withDefault('--timeout <time>', 'give up a request after', 30e6, '30s').argParser((text) =>
        parseWhole(text, '--timeout', 3600e6),
      ),
    )
    .addOption(
      new Option(
        '--format <name>',
        `${FORMATS.join(', ')} (default: that of --output, else table)`,
      ).argParser((text) => parseChoice(text, '--format', FORMATS)),
    )
    .option('--output <file>', 'write there, as .csv or .json')
    .option('--bearer-file <file>', 'file with a bearer token')
    .option('--bearer-env <name>', 'environment variable with a bearer token')
    .option('--user <name>', 'user of basic authentication; its password with one of')
    .option('--password-file <file>', 'file with the password of --user')
    .option('--password-env <name>', 'environment variable with the password of --user')
    .action(run);
}

/** Whole milliseconds, as microseconds. */
function parseWhole(text: string, field: string, mostUs: number): number {
  const us = parseDuration(text, field, 's');
  if (us >= 1000 && us <= mostUs && us % 1000 === 0) return us;
  const most = mostUs % 86_400e6 === 0 ? `${mostUs / 86_400e6} days` : `${mostUs / 3600e6} h`;
  throw new LabError('RL_INPUT_INVALID', `${field}: ${text} is not whole milliseconds from 1 ms to ${most}`, {
    field,
  });
}

async function run(queries: readonly string[], options: CollectOptions): Promise<void> {
  const format = formatOf(options);
  const requests = requestsFor(queries, options, Date.now());
  const client = new PrometheusClient({
    url: options.url ?? defaultUrl(),
    auth: authOf(options),
    timeoutMs: options.timeout / 1000,
  });
  if (
    authOf(options) !== null &&
    client.url.startsWith('http:') &&
    !/^http:\/\/(localhost|127\.|\[::1\])/.test(client.url)
  )
    note(`${paint('yellow', 'warning', process.stderr)} the credentials go to ${client.url} unencrypted`);
  const file = options.output === undefined ? null : new AtomicFile(options.output, '--output');
  const interrupt = onInterrupt();
  const collected = await collect(client, requests, { signal: interrupt.signal });
  interrupt.dispose();
  const { error, warnings, table: read } = collected;
  for (const warning of warnings)
    note(`${paint('yellow', 'note', process.stderr)} Prometheus says: ${warning}`);
  if (error !== null && read.points === 0) {
    file?.discard();
    throw error;
  }
  const facts = factsOf(client.url, requests, collected);
  if (file !== null) {
    for (const text of format === 'csv' ? csvOf(collected) : jsonOf(facts, collected)) file.write(text);
    file.commit();
  }
  if (options.json) {
    if (file !== null) printJson(facts);
    else for (const text of jsonOf(facts, collected)) process.stdout.write(text);
  } else if (file !== null) print(`${read.points} points of ${read.series} series in ${options.output}`);
  else if (format === 'table') print(collectTable(collected));
  else
    for (const text of format === 'csv' ? csvOf(collected) : jsonOf(facts, collected))
      process.stdout.write(text);
  if (error === null) return;
  note(`${paint('yellow', 'note', process.stderr)} this is not all: what was read before the error is kept`);
  process.exitCode = error.exitCode;
  printError(error);
}

function formatOf({ format, output, json }: CollectOptions): Format {
  if (output === undefined) {
    if (json && format !== undefined && format !== 'json')
      throw new LabError('RL_USAGE', '--json and --format contradict each other; use --output for a file');
    return json ? 'json' : (format ?? 'table');
  }
  const ending = /\.(csv|json)$/i.exec(output)?.[1]?.toLowerCase() as 'csv' | 'json' | undefined;
  const chosen = format ?? ending;
  if (chosen !== undefined && chosen !== 'table') return chosen;
  throw new LabError('RL_INPUT_INVALID', `--output: "${output}" ends in neither .csv nor .json`, {
    field: '--output',
  });
}

function requestsFor(queries: readonly string[], options: CollectOptions, nowMs: number): CollectRequest[] {
  if (queries.length > 0 && options.metric !== undefined)
    throw new LabError('RL_USAGE', 'Give queries or --metric, not both');
  const endMs = parseTime(options.end, '--end', nowMs);
  const startMs = options.start === undefined ? endMs : parseTime(options.start, '--start', nowMs);
  if (startMs > endMs)
    throw new LabError('RL_INPUT_INVALID', '--start: this is after --end', { field: '--start' });
  const window = { startMs, endMs, stepMs: options.start === undefined ? null : options.step / 1000 };
  if (options.metric !== undefined) return requestsOf(options.metric, window, '--metric');
  return (queries.length > 0 ? queries : [DEFAULT_QUERY]).map((query) => ({ query, ...window }));
}

function defaultUrl(): string {
  const { PROMETHEUS_IP: host = '127.0.0.1', PROMETHEUS_PORT: port = '9090' } = process.env;
  return checkUrl(`http://${host.includes(':') ? `[${host}]` : host}:${port}`, 'PROMETHEUS_IP');
}

/** Never from an argument: others see those. */
function authOf(options: CollectOptions): PrometheusAuth | null {
  const token = secretOf('bearer', options.bearerFile, options.bearerEnv);
  const password = secretOf('password', options.passwordFile, options.passwordEnv);
  const { user } = options;
  if (token !== null && (user !== undefined || password !== null))
    throw new LabError('RL_USAGE', 'A bearer token and a user exclude each other');
  if ((user === undefined) !== (password === null))
    throw new LabError('RL_USAGE', '--user and one of --password-file and --password-env belong together');
  if (token !== null) return { type: 'bearer', token };
  return user === undefined ? null : { type: 'basic', user, password: password! };
}

function secretOf(name: 'bearer' | 'password', file?: string, variable?: string): string | null {
  if (file !== undefined && variable !== undefined)
    throw new LabError('RL_USAGE', `--${name}-file and --${name}-env exclude each other`);
  const field = file === undefined ? `--${name}-env` : `--${name}-file`;
  if (file === undefined && variable === undefined) return null;
  const secret = file === undefined ? (process.env[variable!] ?? '') : readText(file, field).trim();
  // What a header cannot carry would be refused with the secret in the message.
  if (/^[\x20-\x7e]+$/.test(secret)) return secret;
  throw new LabError(
    'RL_INPUT_INVALID',
    `${field}: there is ${secret === '' ? 'nothing' : 'more than visible ASCII'} in it`,
    {
      field,
    },
  );
}

const factsOf = (
  url: string,
  requests: readonly CollectRequest[],
  { table: read, warnings, error }: Collected,
) => ({
  url,
  queries: requests.map(({ query }) => query),
  start: new Date(requests[0]!.startMs).toISOString(),
  end: new Date(requests[0]!.endMs).toISOString(),
  step_s: requests[0]!.stepMs === null ? null : requests[0]!.stepMs / 1000,
  series: read.series,
  points: read.points,
  complete: error === null,
  ...(error !== null && { error: error.toBody() }),
  warnings,
});

/** Time is unix seconds, as of `/metrics?format=csv`. */
function* csvOf({ table: read }: Collected): Generator<string> {
  yield csvLine(read.columns.map(({ name }) => name));
  for (const [timeMs, ...rest] of read.rows()) yield csvLine([timeMs / 1000, ...rest]);
}

/** Piece by piece: a whole month of points would be a very long text. What JSON has no number for is a text, as in CSV. */
function* jsonOf(facts: object, { table: read }: Collected): Generator<string> {
  const columns = JSON.stringify(read.columns.map(({ name }) => name));
  yield `${JSON.stringify(facts, null, 2).slice(0, -2)},\n  "columns": ${columns},\n  "rows": [`;
  let separator = '\n    ';
  for (const [timeMs, ...rest] of read.rows()) {
    const value = rest.at(-1) as number;
    const cells = [timeMs / 1000, ...rest.slice(0, -1), Number.isFinite(value) ? value : csvNumber(value)];
    yield separator + JSON.stringify(cells);
    separator = ',\n    ';
  }
  yield '\n  ]\n}\n';
}
