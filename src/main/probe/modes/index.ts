/** The modes of measuring by name. */
import type { ProbeMode } from '../../../shared/probes.ts';
import { fecMode } from './fec.ts';
import { handshakeMode } from './handshake.ts';
import { http3Mode } from './http3.ts';
import { migrationMode } from './migration.ts';
import type { MakeMode } from './mode.ts';
import { pingMode } from './ping.ts';
import { responsivenessMode } from './responsiveness.ts';
import { streamsMode } from './streams.ts';
import { transferMode } from './transfer.ts';

export const MODES: Readonly<Record<ProbeMode, MakeMode>> = {
  ping: pingMode,
  handshake: handshakeMode,
  download: transferMode,
  upload: transferMode,
  bidi: transferMode,
  responsiveness: responsivenessMode,
  streams: streamsMode,
  migration: migrationMode,
  fec: fecMode,
  http3: http3Mode,
};
