/** `routelab probe HOST:PORT …`, or https URLs: measurements of one server, of several at once, or again and again. */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import type { ProbeDetail } from '../../shared/probe-details.ts';
import { type CompareSetting, compareTcp } from './compare-tcp.ts';
import { onInterrupt } from './interrupt.ts';
import { chosenController, isControllerChosen } from './options.ts';
import { note, paint, print, printError, printJson } from './output.ts';
import { addOptions, checkOptions, comparedMode } from './probe-checks.ts';
import { type Http3Result, printHttp3 } from './probe-http3-result.ts';
import { probeMany } from './probe-many.ts';
import { probeMetrics } from './probe-metrics.ts';
import {
  connectTo,
  nameOf,
  type OnceOptions,
  type ProbeTarget,
  parseTarget,
  probeOnce,
} from './probe-once.ts';
import { isRepeated, type ProbeOptions } from './probe-options.ts';
import { type ProbeFields, resultTable } from './probe-result.ts';
import { gatesLine, tellGates } from './sla-options.ts';
import { readTrust } from './trust.ts';

/** What one process measures at once. */
const MOST_TARGETS = 100;

export function configure(command: Command): void {
  addOptions(
    command.argument(
      '[targets...]',
      'servers to measure: host:port, an IPv6 address in brackets, or an https URL; NAME=… gives one a name',
    ),
  ).action(run);
}

async function run(texts: readonly string[], options: ProbeOptions): Promise<void> {
  const targets = targetsOf(texts, options);
  for (const { mode } of targets) {
    checkOptions(mode, options);
    comparedMode(mode, options);
  }
  const isMany = targets.length > 1 || isRepeated(options);
  if (targets.length > 1 && options.compareTcp)
    throw new LabError('RL_USAGE', '--compare-tcp is of one target');
  if (isMany && options.series !== undefined)
    throw new LabError('RL_USAGE', '--series is of one measurement of one target');
  if (isMany && options.sla !== undefined)
    throw new LabError('RL_USAGE', '--sla is of one measurement of one target');
  const trust = readTrust(options);
  // What is wrong with it is found before anything is sent.
  chosenController(options);
  if (options.insecure) {
    note(`${paint('yellow', 'warning', process.stderr)} --insecure: the server’s certificate is not checked`);
  }
  const metrics = await probeMetrics(options);
  try {
    await measure(targets, options, { trust, signal: onInterrupt().signal, metrics });
  } finally {
    await metrics?.close();
  }
}

async function measure(
  targets: readonly ProbeTarget[],
  options: ProbeOptions,
  once: Pick<OnceOptions, 'trust' | 'signal' | 'metrics'>,
): Promise<void> {
  if (targets.length > 1 || isRepeated(options)) {
    const { json, error } = await probeMany(targets, options, once);
    if (options.json) printJson(json);
    if (error !== null) process.exitCode = error.exitCode;
    return;
  }
  const [target] = targets as [ProbeTarget];
  const compared = comparedMode(target.mode, options);
  if (compared !== null) {
    const setting: CompareSetting = {
      target: nameOf(target),
      mode: compared,
      tcpPath: options.tcpPath ?? (options.emulated ? 'stream relay' : 'direct'),
      emulated: options.emulated ?? false,
      wish: isControllerChosen(options) ? chosenController(options) : null,
    };
    const connect = connectTo(target, options, { ...once, isAlone: true });
    const error = await compareTcp(setting, options, connect, once.signal);
    if (error !== null) process.exitCode = error.exitCode;
    return;
  }
  const durationMs = options.duration === undefined ? undefined : options.duration / 1000;
  const { result, detail, error } = await probeOnce(target, options, { ...once, durationMs, isAlone: true });
  if (options.json) printJson(result);
  else if (result.mode === 'http3') printHttp3(result as Http3Result);
  else printResult(result as ProbeFields, detail);
  if ('gates' in result) tellGates(result.gates ?? []);
  if (error === null) return;
  process.exitCode = error.exitCode;
  printError(error);
}

/** Those that were given a name, and the others by their address where there are several. */
function targetsOf(texts: readonly string[], options: ProbeOptions): ProbeTarget[] {
  const { route = [] } = options;
  const mode = options.mode ?? (options.compareTcp ? 'download' : undefined);
  const count = texts.length + route.length;
  if (count === 0) throw new LabError('RL_USAGE', "missing required argument 'target'");
  if (count > MOST_TARGETS)
    throw new LabError('RL_USAGE', `${count} targets are more than ${MOST_TARGETS} at once`);
  const targets = [
    ...texts.map((text) => {
      // NAME=, which no address has, and a URL only behind its path.
      const [, label, address] = /^([^:/[\]=]+)=(.+)$/.exec(text) ?? [];
      if (label !== undefined) return parseTarget(address!.trim(), mode, label.trim());
      const target = parseTarget(text, mode);
      return count === 1 ? target : { ...target, label: nameOf(target) };
    }),
    ...route.map(({ label, target }) => parseTarget(target, mode, label)),
  ];
  const labels = new Set<string>();
  for (const { label } of targets) {
    if (label !== undefined && labels.has(label))
      throw new LabError('RL_USAGE', `"${label}" is given twice`, {
        hint: 'Name targets, as NAME=HOST:PORT.',
      });
    if (label !== undefined) labels.add(label);
  }
  return targets;
}

function printResult(result: ProbeFields, detail: ProbeDetail | null): void {
  const marks = [
    ...(result.emulated ? ['emulated'] : []),
    ...(result.insecure ? ['insecure: certificate not checked'] : []),
    ...(result.interrupted ? ['interrupted'] : []),
  ];
  const head = [
    paint('bold', result.target),
    result.mode,
    result.congestion ?? 'the server’s own controller, which it does not tell',
    ...marks.map((m) => paint('yellow', m)),
  ];
  print([head.join('  '), resultTable(result, detail), ...gatesLine(result.gates ?? [])].join('\n'));
}
