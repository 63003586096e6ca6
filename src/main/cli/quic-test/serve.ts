/** Mode server: `routelab server` with its options, from the flags. */
import { Command } from 'commander';
import { formatAddress } from '../address.ts';
import { configure } from '../server.ts';
import type { QuicTestSettings } from './settings.ts';

function controllerArgs({ controller: { name, parameters } }: QuicTestSettings): string[] {
  const set = Object.entries(parameters).flatMap(([parameter, value]) => ['--set', `${parameter}=${value}`]);
  return ['--congestion', name, ...set];
}

const metricsArgs = ({ metrics }: QuicTestSettings): string[] => [
  ...(metrics.prometheusPort ? ['--prometheus-port', formatAddress(metrics.prometheusPort)] : []),
  ...(metrics.prometheusLabels ? ['--prometheus-labels', metrics.prometheusLabels] : []),
  ...(metrics.histogramBuckets === undefined ? [] : ['--histogram-buckets', `${metrics.histogramBuckets}`]),
];

/** Ended as Ctrl-C ends it once its time is up. */
export async function serve(settings: QuicTestSettings, asJson: boolean): Promise<void> {
  const { addr, cert, key, plan, earlyData } = settings;
  const timer =
    plan.durationS === null
      ? undefined
      : setTimeout(() => process.kill(process.pid, 'SIGINT'), plan.durationS * 1000);
  const command = new Command().exitOverride();
  configure(command);
  command.option('--json');
  const args = [
    ...['--listen', formatAddress(addr!)],
    ...(cert !== null && key !== null ? ['--cert', cert, '--key', key] : []),
    ...(earlyData ? ['--early-data'] : []),
    ...controllerArgs(settings),
    ...metricsArgs(settings),
    ...(asJson ? ['--json'] : []),
  ];
  await command.parseAsync(args, { from: 'user' }).finally(() => clearTimeout(timer));
}
