import { LabError } from '../../shared/errors.ts';
import type { CloseInfo } from '../quic/udp/api.ts';

/** Why a measurement stopped with its connection; `during` names the measurement. */
export function connectionEnded(info: CloseInfo, during: string): LabError {
  if (info.by === 'peer') {
    const reason = info.reason || `${info.application ? 'application ' : ''}code ${info.code}`;
    return new LabError('RL_PEER_CLOSED', `The server closed the connection during the ${during}: ${reason}`);
  }
  const detail = info.reason === '' ? '' : `: ${info.reason}`;
  return new LabError('RL_CONNECTION_LOST', `The connection was lost during the ${during}${detail}`);
}
