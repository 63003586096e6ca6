/** What became of a request that has no response, in the words of the error catalogue. */
import { LabError } from '../../../shared/errors.ts';
import type { CloseInfo } from '../udp/api.ts';
import { describeHttp3Code, type Http3Error } from './errors.ts';

/** The server broke HTTP/3. */
export const violation = (error: Http3Error): LabError =>
  new LabError(
    'RL_PROTOCOL_VIOLATION',
    `The server broke HTTP/3 with ${describeHttp3Code(error.code)}: ${error.message}`,
    { hint: 'If another client gets on with this server, report it with what --debug shows.', cause: error },
  );

/** The server reset the response. */
export const resetFailure = (code: number): LabError =>
  new LabError('RL_PEER_CLOSED', `The server cut the response off with ${describeHttp3Code(code)}`);

/** RFC 9114 §5.2: it may be sent again, elsewhere. */
export const notTaken = (): LabError =>
  new LabError('RL_PEER_CLOSED', 'The server did not take the request: it is going away');

/** The connection ended before the response did. */
export function closeFailure(info: CloseInfo, failure: Http3Error | null): LabError {
  if (failure) return violation(failure);
  const reason = info.reason === '' ? '' : `: ${info.reason}`;
  if (info.by === 'peer') {
    const code = info.application
      ? describeHttp3Code(info.code)
      : `transport error 0x${info.code.toString(16)}`;
    return new LabError('RL_PEER_CLOSED', `The server closed the connection with ${code}${reason}`);
  }
  if (info.by === 'local') return new LabError('RL_CANCELLED', `The connection was closed${reason}`);
  return new LabError('RL_CONNECTION_LOST', `The connection was lost before the response was whole${reason}`);
}
