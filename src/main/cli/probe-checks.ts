/** Which options of `routelab probe` go together, and with which mode. */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { DEFAULT_PACKETS, fecFault } from '../../shared/fec.ts';
import { ALPN } from '../probe/protocol.ts';
import { COMPARED_MODES, type ComparedMode } from '../probe/transport-turns.ts';
import { parseChoice } from './options.ts';
import { PROBE_FLAGS } from './probe-flags.ts';
import { type AnyMode, fecOf, isRepeated, type ProbeOptions } from './probe-options.ts';

export function addOptions(command: Command): Command {
  for (const { option } of PROBE_FLAGS) command.addOption(option);
  return command;
}

/** Refuses options that mean nothing in this mode. @throws LabError RL_USAGE */
export function checkOptions(mode: AnyMode, options: ProbeOptions): void {
  for (const { option, modes } of PROBE_FLAGS) {
    const isGiven = options[option.attributeName() as keyof ProbeOptions] !== undefined;
    if (isGiven && option.attributeName().startsWith('fec') && mode !== 'fec')
      throw new LabError(
        'RL_USAGE',
        `${option.long} is for DATAGRAM frames, not for --mode ${mode}: ${mode === 'ping' ? 'its pings are not protected' : 'QUIC streams are reliable, and send again what is lost'}`,
        { hint: 'Measure packets with FEC with --mode fec.' },
      );
    if (isGiven && modes !== null && !modes.includes(mode))
      throw new LabError('RL_USAGE', `${option.long} does not apply to --mode ${mode}`);
  }
  for (const option of ['each', 'jitter', 'seed'] as const)
    if (options[option] !== undefined && !isRepeated(options) && !(option === 'seed' && options.compareTcp))
      throw new LabError('RL_USAGE', `--${option} is for repetitions: give --every, or --duration 0`);
  if (mode === 'fec') {
    const { rate = DEFAULT_PACKETS.perS } = options;
    const fault = rate < 1 || rate > 5000 ? null : fecFault({ ...fecOf(options), ratePerS: rate });
    if (rate < 1 || rate > 5000)
      throw new LabError('RL_INPUT_INVALID', `--rate: ${rate} is not from 1 to 5000 packets/s`, {
        field: '--rate',
      });
    if (fault !== null)
      throw new LabError('RL_INPUT_INVALID', `--fec-group: ${fault}`, { field: '--fec-group' });
  }
  const { warmUp, duration } = options;
  if (mode === 'http3' && duration !== undefined && !isRepeated(options))
    throw new LabError('RL_USAGE', '--duration does not apply to --mode http3: --count ends it');
  if (warmUp !== undefined && duration !== undefined && duration > 0 && warmUp >= duration)
    throw new LabError('RL_USAGE', '--warm-up leaves nothing of --duration to measure');
  if (mode !== 'handshake' && options.alpn?.some((name) => name !== ALPN)) {
    throw new LabError('RL_USAGE', `--mode ${mode} needs a RouteLab server (ALPN ${ALPN})`, {
      hint: 'Measure a server of another protocol with --mode handshake, HTTP/3 with an https URL.',
    });
  }
}

/** Null where nothing is compared. @throws LabError RL_USAGE, RL_INPUT_INVALID */
export function comparedMode(mode: AnyMode, options: ProbeOptions): ComparedMode | null {
  if (!options.compareTcp) {
    if (options.pairs !== undefined) throw new LabError('RL_USAGE', '--pairs goes with --compare-tcp');
    return null;
  }
  for (const name of ['count', 'resume', 'series', 'alpn', 'every', 'warmUp', 'route'] as const)
    if (options[name] !== undefined)
      throw new LabError(
        'RL_USAGE',
        `--${name === 'warmUp' ? 'warm-up' : name} does not go with --compare-tcp`,
      );
  if (options.duration === 0) throw new LabError('RL_USAGE', '--duration 0 does not go with --compare-tcp');
  return parseChoice(mode, '--mode', COMPARED_MODES);
}
