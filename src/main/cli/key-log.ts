import { appendFileSync } from 'node:fs';
import { unwritable } from './writable.ts';

/**
 * The `keyLog` option of a connection for `--keylog FILE`, or the file that SSLKEYLOGFILE names, as other TLS tools take it;
 * nothing without either. Throws RL_FILE_UNWRITABLE.
 */
export function keyLogTo(wanted: string | undefined): { keyLog?: (line: string) => void } {
  const file = wanted ?? (process.env['SSLKEYLOGFILE'] || undefined);
  if (file === undefined) return {};
  const field = wanted === undefined ? 'SSLKEYLOGFILE' : '--keylog';
  const append = (text: string): void => {
    try {
      // Secrets: for this user only.
      appendFileSync(file, text, { mode: 0o600 });
    } catch (cause) {
      throw unwritable(field, cause);
    }
  };
  // An unwritable file is found before anything is measured.
  append('');
  return { keyLog: (line) => append(`${line}\n`) };
}
