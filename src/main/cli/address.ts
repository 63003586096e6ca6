import { LabError } from '../../shared/errors.ts';

export interface Address {
  host: string;
  port: number;
}

/**
 * `HOST:PORT` with an IPv6 address in brackets: `localhost:4433`, `[::1]:4433`. Throws RL_INPUT_INVALID for `field`.
 * `defaultHost` allows a bare `PORT`; `lowestPort` is 0 where a free port may be taken.
 */
export function parseAddress(
  text: string,
  field: string,
  options: { defaultHost?: string; lowestPort: 0 | 1; hint?: string },
): Address {
  const invalid = (message: string): LabError =>
    new LabError('RL_INPUT_INVALID', `${field}: ${message}`, {
      field,
      hint: options.hint ?? 'Write HOST:PORT, an IPv6 address in brackets: localhost:4433, [::1]:4433.',
    });
  const match = /^(?:\[([^\]]*)\]:|([^:]*):)?(\d+)$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? options.defaultHost;
  if (match === null || host === undefined || /[=\s]/.test(host)) throw invalid(`"${text}" is not HOST:PORT`);
  if (host === '') throw invalid(`"${text}" names no host`);
  const port = Number(match[3]);
  if (port < options.lowestPort || port > 65535) {
    throw invalid(`port ${match[3]} is not from ${options.lowestPort} to 65535`);
  }
  return { host, port };
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
