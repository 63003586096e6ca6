/** The modes of measuring by name. */
import type { ProbeMode } from '../../../shared/probes.ts';
import { handshakeMode } from './handshake.ts';
import type { MakeMode } from './mode.ts';
import { pingMode } from './ping.ts';
import { transferMode } from './transfer.ts';

export const MODES: Readonly<Record<ProbeMode, MakeMode>> = {
  ping: pingMode,
  handshake: handshakeMode,
  download: transferMode,
  upload: transferMode,
  bidi: transferMode,
};
