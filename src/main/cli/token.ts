/** `routelab token`: a bearer token, signed with the secret of lab.yaml or of the environment. */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { parseDuration } from '../../shared/units.ts';
import { Configuration } from '../lab/index.ts';
import { signToken } from '../serve/auth.ts';
import { withDefault } from './options.ts';
import { print, printJson } from './output.ts';

interface TokenOptions {
  config?: string;
  subject: string;
  /** Seconds. */
  expires: number;
  json?: true;
}

const DAY_S = 86_400;
const LONGEST_S = 3650 * DAY_S;

export function configure(command: Command): void {
  command
    .option('--config <file>', 'lab.yaml with auth.jwt_secret (else JWT_SECRET or ROUTELAB_AUTH_JWT_SECRET)')
    .option('--subject <name>', 'whom the token is for', 'routelab')
    .addOption(
      withDefault('--expires <time>', 'how long it is valid: 30d, 12h', 30 * DAY_S, '30d').argParser(
        parseLifetime,
      ),
    )
    .action(token);
}

async function token({ config, subject, expires, json }: TokenOptions): Promise<void> {
  const file = config ?? process.env['ROUTELAB_CONFIG'];
  const { auth } = new Configuration({
    file: file === undefined ? null : { path: file, required: true },
    env: process.env,
  }).values;
  if (auth.jwt_secret === null) {
    throw new LabError('RL_INPUT_INVALID', 'auth.jwt_secret: not set, so there is nothing to sign with', {
      field: 'auth.jwt_secret',
      hint: 'Name the file with --config, or set JWT_SECRET in the environment.',
    });
  }
  const nowMs = Date.now();
  const signed = await signToken({ secret: auth.jwt_secret, issuer: auth.issuer }, subject, expires, nowMs);
  const expiresAt = new Date((Math.floor(nowMs / 1000) + expires) * 1000).toISOString();
  if (json) printJson({ token: signed, subject, issuer: auth.issuer, expires_at: expiresAt });
  else print(signed);
}

/** Whole seconds; days too, which other durations of RouteLab have no use for. */
function parseLifetime(text: string): number {
  const days = /^\s*(\d+)\s*d\s*$/i.exec(text)?.[1];
  const seconds = days === undefined ? parseDuration(text, '--expires') / 1e6 : Number(days) * DAY_S;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST_S) return seconds;
  throw new LabError('RL_INPUT_INVALID', `--expires: ${text} is not whole seconds from 1s to 3650d`, {
    field: '--expires',
  });
}
