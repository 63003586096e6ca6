import { appendFileSync } from 'node:fs';
import { LabError } from '../../shared/errors.ts';

/** The `keyLog` option of a connection for `--keylog FILE`; nothing without it. Throws RL_FILE_UNREADABLE. */
export function keyLogTo(file: string | undefined): { keyLog?: (line: string) => void } {
  if (file === undefined) return {};
  const append = (text: string): void => {
    try {
      // Secrets: for this user only.
      appendFileSync(file, text, { mode: 0o600 });
    } catch (cause) {
      throw new LabError('RL_FILE_UNREADABLE', `--keylog: ${(cause as Error).message}`, {
        field: '--keylog',
        cause,
      });
    }
  };
  // An unwritable file is found before anything is measured.
  append('');
  return { keyLog: (line) => append(`${line}\n`) };
}
