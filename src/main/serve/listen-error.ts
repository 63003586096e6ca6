/** Why this machine cannot listen, in the catalogue's words. */
import { LabError } from '../../shared/errors.ts';

/** `field` is the setting at fault, `option` how it is given on the command line. */
export function listenError(
  cause: NodeJS.ErrnoException,
  { host, port, field, option }: { host: string; port: number; field: string; option: string },
): LabError {
  if (cause.code === 'EADDRINUSE') {
    return new LabError('RL_PORT_IN_USE', `Port ${port} on ${host} is in use.`, {
      field,
      hint: `Stop what uses it, or choose another with ${option}.`,
      cause,
    });
  }
  if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'EACCES' || cause.code === 'ENOTFOUND') {
    return new LabError(
      'RL_ADDRESS_UNAVAILABLE',
      `This machine cannot listen on ${host}:${port}: ${cause.message}.`,
      { field: field === 'port' ? 'host' : field, cause },
    );
  }
  return new LabError('RL_INTERNAL', `Listening on ${host}:${port} failed: ${cause.message}`, { cause });
}
