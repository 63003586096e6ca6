/** `--qlog`: traces of connections, written in the background, and whole also when the process is told to stop at once. */
import {
  close,
  existsSync,
  fstatSync,
  mkdtempDisposableSync,
  openSync,
  statSync,
  write,
  writeSync,
} from 'node:fs';
import { join, parse } from 'node:path';
import { LabError } from '../../shared/errors.ts';
import { QLOG_FORMATS, type QlogFormat, type QlogOptions, type QlogSink } from '../quic/qlog/trace.ts';
import { parseChoice } from './options.ts';
import { note } from './output.ts';
import { makeFolder, unwritable } from './writable.ts';

/** Records that wait for a slow disk, bytes; more are dropped, and counted. */
const WAITING_LIMIT = 64 * 1024 * 1024;
/** Traces of one connection id in a folder. */
const SAME_NAMES = 100;

export const parseQlogFormat = (text: string): QlogFormat => parseChoice(text, '--qlog-format', QLOG_FORMATS);

export const QLOG_FORMAT_HELP = `${QLOG_FORMATS.join(' or ')}: the newest drafts, or what qvis reads (default ietf)`;

interface Wish {
  qlog?: string;
  qlogFormat?: QlogFormat;
}

/**
 * The `qlog` option of connections. Without --qlog the folder QLOGDIR or the file QLOGFILE counts, where set
 * (draft-ietf-quic-qlog-main-schema-14 §12.1). `one`: there is but one connection, for which a file will do as well as a
 * folder. Throws RL_FILE_UNWRITABLE for what cannot be written, RL_USAGE for a format without a target.
 */
export function qlogTo({ qlog, qlogFormat }: Wish, { one }: { one: boolean }): { qlog?: QlogOptions } {
  const { QLOGDIR, QLOGFILE } = process.env;
  const target = qlog || QLOGDIR || (one && QLOGFILE) || undefined;
  if (target === undefined) {
    if (qlogFormat) throw new LabError('RL_USAGE', '--qlog-format is for --qlog');
    return {};
  }
  const field = qlog ? '--qlog' : QLOGDIR ? 'QLOGDIR' : 'QLOGFILE';
  const isFolder = !one || field === 'QLOGDIR' || /[/\\]$/.test(target) || isDirectory(target);
  if (isFolder) makeTraceFolder(target, field);
  else new TraceFile(target, field).end();
  let opened = 0;
  /** A name may lead to several addresses, each tried with a connection of its own. */
  const another = (): string => {
    const { dir, name, ext } = parse(target);
    return ++opened === 1 ? target : join(dir, `${name}-${opened}${ext}`);
  };
  return {
    qlog: {
      format: qlogFormat,
      open: ({ odcid, vantage }) =>
        isFolder
          ? openInFolder(join(target, `${odcid}_${vantage}`), field)
          : openQuietly(another(), field, 'w'),
    },
  };
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function makeTraceFolder(path: string, field: string): void {
  makeFolder(path, field);
  try {
    // Permission to write is found out by writing.
    mkdtempDisposableSync(join(path, '.routelab-')).remove();
  } catch (cause) {
    throw unwritable(field, cause);
  }
}

/** A file of its own for each connection: whoever chooses the same id again does not overwrite what was written. */
function openInFolder(stem: string, field: string): QlogSink {
  let path = `${stem}.sqlog`;
  for (let n = 2; existsSync(path) && n <= SAME_NAMES; n++) path = `${stem}-${n}.sqlog`;
  return openQuietly(path, field, 'wx');
}

let warned = false;

/** A connection does not fail because its log cannot be written; the user hears of it once. */
function openQuietly(path: string, field: string, flags: 'w' | 'wx'): QlogSink {
  try {
    return new TraceFile(path, field, flags);
  } catch (error) {
    warn((error as Error).message);
    return { write() {}, end() {} };
  }
}

function warn(message: string): void {
  if (!warned) note(`qlog: ${message}; what was to be logged is lost`);
  warned = true;
}

const open = new Set<TraceFile>();
process.on('exit', () => {
  for (const file of open) file.finishNow();
});

class TraceFile implements QlogSink {
  readonly #fd: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** Handed to the system, from `#position` on; null when nothing is. */
  #writing: Buffer | null = null;
  #position = 0;
  #isDue = false;
  #isEnded = false;

  /** Throws RL_FILE_UNWRITABLE. */
  constructor(path: string, field: string, flags: 'w' | 'wx' = 'w') {
    try {
      // Addresses and connection ids: for this user only.
      this.#fd = openSync(path, flags, 0o600);
    } catch (cause) {
      throw unwritable(field, cause);
    }
    if (!fstatSync(this.#fd).isFile()) {
      close(this.#fd);
      throw new LabError('RL_FILE_UNWRITABLE', `${field}: ${path} is not a file`, { field });
    }
    open.add(this);
  }

  write(record: string): void {
    if (this.#waitingBytes > WAITING_LIMIT) {
      warn('the disk is too slow');
      return;
    }
    this.#waiting.push(record);
    this.#waitingBytes += record.length;
    if (this.#isDue || this.#writing) return;
    this.#isDue = true;
    // What one turn of the loop logs is written at once.
    setImmediate(this.#flush);
  }

  end(): void {
    this.#isEnded = true;
    if (!this.#isDue && !this.#writing) this.#flush();
  }

  readonly #flush = (): void => {
    this.#isDue = false;
    if (!open.has(this)) return;
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (text !== '') this.#write(Buffer.from(text));
    else if (this.#isEnded) this.#close();
  };

  #write(data: Buffer): void {
    this.#writing = data;
    write(this.#fd, data, 0, data.length, this.#position, (error, written) => {
      this.#writing = null;
      if (error) {
        warn(error.message);
        this.#close();
        return;
      }
      this.#position += written;
      if (written < data.length) this.#write(data.subarray(written));
      else this.#flush();
    });
  }

  #close(): void {
    if (open.delete(this)) close(this.#fd);
  }

  /** The process ends: what is under way is written again, to the same place, and then the rest. */
  finishNow(): void {
    try {
      const rest = Buffer.concat([this.#writing ?? Buffer.alloc(0), Buffer.from(this.#waiting.join(''))]);
      for (let done = 0; done < rest.length; )
        done += writeSync(this.#fd, rest, done, rest.length - done, this.#position + done);
    } catch (error) {
      warn((error as Error).message);
    }
  }
}
