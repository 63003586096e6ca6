/** Where quic-test's flags ask for what another command does: its options, from the flags. */
import { Command } from 'commander';
import { formatAddress } from '../address.ts';
import type { QuicTestSettings } from './settings.ts';

const call = async (
  load: Promise<{ configure(command: Command): void }>,
  args: readonly string[],
): Promise<void> => {
  const command = new Command().exitOverride();
  (await load).configure(command);
  command.option('--json');
  await command.parseAsync([...args], { from: 'user' });
};

function controllerArgs({ controller: { name, parameters } }: QuicTestSettings): string[] {
  const set = Object.entries(parameters).flatMap(([parameter, value]) => ['--set', `${parameter}=${value}`]);
  return ['--congestion', name, ...set];
}

const metricsArgs = ({ metrics }: QuicTestSettings): string[] => [
  ...(metrics.prometheusPort ? ['--prometheus-port', formatAddress(metrics.prometheusPort)] : []),
  ...(metrics.prometheusLabels ? ['--prometheus-labels', metrics.prometheusLabels] : []),
  ...(metrics.histogramBuckets === undefined ? [] : ['--histogram-buckets', `${metrics.histogramBuckets}`]),
];

/** Mode server: `routelab server`, ended as Ctrl-C ends it once its time is up. */
export async function serve(settings: QuicTestSettings): Promise<void> {
  const { addr, cert, key, plan, earlyData } = settings;
  const timer =
    plan.durationS === null
      ? undefined
      : setTimeout(() => process.kill(process.pid, 'SIGINT'), plan.durationS * 1000);
  await call(import('../server.ts'), [
    ...['--listen', formatAddress(addr!)],
    ...(cert !== null && key !== null ? ['--cert', cert, '--key', key] : []),
    ...(earlyData ? ['--early-data'] : []),
    ...controllerArgs(settings),
    ...metricsArgs(settings),
  ]).finally(() => clearTimeout(timer));
}

/** `--compare-tcp`: `routelab compare-tcp` over a path of its own, or `probe --compare-tcp` of the server that was named. */
export async function compareTcp(settings: QuicTestSettings): Promise<void> {
  const { mode, server, plan, emulation, insecure, controller } = settings;
  const duration = plan.durationS === null ? [] : ['--duration', `${plan.durationS}s`];
  if (mode === 'client') {
    const args = [formatAddress(server!), '--mode', 'upload', '--compare-tcp', ...duration];
    await call(import('../probe.ts'), [
      ...args,
      ...controllerArgs(settings),
      ...metricsArgs(settings),
      ...(insecure ? ['--insecure'] : []),
    ]);
    return;
  }
  const path =
    emulation === null || emulation.profile !== 'custom'
      ? ['--profile', emulation?.profile ?? 'lan']
      : ['--rtt', `${emulation.up.delayMs * 2}ms`, '--loss', `${emulation.up.lossRatio}`];
  const copies = emulation?.profile === 'custom' ? ['--dup', `${emulation.up.duplicateRatio ?? 0}`] : [];
  await call(import('../compare.ts'), [
    ...[...path, ...copies, ...duration],
    ...['--mode', 'upload', '--congestion', controller.name],
  ]);
}
