/** What the desktop was started with. */
import { join } from 'node:path';
import { LabError } from '../../shared/errors.ts';
import { defaultDataDir } from '../store/data-dir.ts';

export interface DesktopArguments {
  dataDir: string;
  /** lab.yaml; `required` when it was named. */
  config: { path: string; required: boolean };
  /** TCP port of the API and the metrics; 0 takes a free one. Null leaves it to the configuration. */
  port: number | null;
}

/** Switches that are not ours to judge: Chromium's and Node's own, and what macOS adds. */
const FOREIGN =
  /^-(-(no-sandbox|disable-|enable-|ozone-|use-|force-|in-process-gpu|js-flags|inspect|remote-debugging|log-|lang|proxy-|user-data-dir|password-store|type)|psn_)/;

/**
 * Reads `--data DIR`, `--config FILE` and `--port N`, each also as `--name=value`; ROUTELAB_DATA and ROUTELAB_CONFIG stand in
 * for the first two. Without a file named, it is the lab.yaml of the data folder, where there is one.
 * Throws RL_USAGE for what it does not know and RL_INPUT_INVALID for a port that is none.
 */
export function desktopArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DesktopArguments {
  let dataDir = env['ROUTELAB_DATA'];
  let config = env['ROUTELAB_CONFIG'];
  let port: number | null = null;
  for (let i = 0; i < argv.length; i++) {
    const [name, ...rest] = argv[i]!.split('=');
    const value = (): string => {
      const given = rest.length > 0 ? rest.join('=') : argv[++i];
      if (given === undefined || given === '') throw new LabError('RL_USAGE', `${name} needs a value`);
      return given;
    };
    if (name === '--data') dataDir = value();
    else if (name === '--config') config = value();
    else if (name === '--port') port = parsePort(value());
    else if (!FOREIGN.test(argv[i]!)) throw new LabError('RL_USAGE', `unknown option ${argv[i]}`);
  }
  const folder = dataDir ?? defaultDataDir();
  return {
    dataDir: folder,
    config: { path: config ?? join(folder, 'lab.yaml'), required: config !== undefined },
    port,
  };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new LabError('RL_INPUT_INVALID', `--port: "${text}" is not a whole number from 0 to 65535`, {
    field: '--port',
  });
}
