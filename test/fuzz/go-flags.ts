import { FLAGS } from '../../src/main/cli/quic-test/flags.ts';
import { parseGoFlags } from '../../src/main/cli/quic-test/go-flags.ts';
import { readSettings } from '../../src/main/cli/quic-test/settings.ts';
import { LabError } from '../../src/shared/errors.ts';
import type { FuzzTarget } from './target.ts';

const BOOLEANS = FLAGS.flatMap(({ name, kind }) => (kind === 'bool' ? [name] : []));

/** A command line, an argument in each line: settings, or a refusal that is the user's. */
function run(data: Buffer): void {
  try {
    const args = data.toString().split('\n');
    const given = parseGoFlags(args, FLAGS);
    for (const name of BOOLEANS) {
      if (!/^(true|false|undefined)$/.test(String(given.get(name)))) throw new Error(`${name} is no boolean`);
      // Only what Go reads as false is false: nothing that was meant to be on is off in silence.
      const isFalse = new RegExp(`^--?${name}=(0|f|F|false|FALSE|False)$`);
      if (given.get(name) === 'false' && !args.some((arg) => isFalse.test(arg)))
        throw new Error(`${name} was read as false`);
    }
    readSettings(given);
  } catch (error) {
    if (error instanceof LabError && (error.code === 'RL_INPUT_INVALID' || error.code === 'RL_USAGE')) return;
    throw error;
  }
}

export const goFlags: FuzzTarget = {
  name: 'go-flags',
  seeds: [
    '--mode=client\n--server=[::1]:4433\n-duration\n1m30.5s\n--insecure=true',
    '-cc=bbrv3\n--bbr-probe-bw=.25\n--emulate-loss=0.05\n--emulate-latency=20ms\n--sla-throughput=5mbit',
    '--mode=server\n--addr=:9000\n--prometheus-port=0\n--histogram-buckets=20\n--enable-0rtt',
    '--fec=toString\n--enable-fec=constructor\n--fec-rate=.05',
    '--scenario=sat\n--report-format=csv\n--sla-loss=1%\n--keep-alive=5s',
  ].map((text) => Buffer.from(text)),
  run,
};
