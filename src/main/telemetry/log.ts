/** The log: one line per entry on standard error, as JSON or for reading. Standard output is for results. */
import { type LevelWithSilent, type Logger, pino, stdSerializers } from 'pino';
import { LabError } from '../../shared/errors.ts';

interface LogOptions {
  level: LevelWithSilent;
  format: 'json' | 'pretty';
  /** Default standard error, written synchronously so that nothing is lost when the process ends. */
  stream?: { write(line: string): void };
}

/**
 * A line has `level`, `timestamp` (RFC 3339), `event` (the sentence), and the fields; `log.child({ logger: 'store' })`
 * names the part that speaks. An `err` field that is a LabError is written as its body, any other with its stack.
 */
export function createLog({
  level,
  format,
  stream = pino.destination({ fd: 2, sync: true }),
}: LogOptions): Logger {
  const destination = format === 'json' ? stream : { write: (line: string) => stream.write(pretty(line)) };
  return pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        err: (error) =>
          error instanceof LabError && error.code !== 'RL_INTERNAL'
            ? error.toBody()
            : stdSerializers.errWithCause(error),
      },
    },
    destination,
  );
}

/** `12:34:56.789 WARN  store: the disk is full waiting=12` */
function pretty(line: string): string {
  const { level, timestamp, logger, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const values = Object.entries(fields).map(
    ([name, value]) =>
      `${name}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
  );
  const head = [
    String(timestamp).slice(11, 23),
    String(level).toUpperCase().padEnd(5),
    ...(logger === undefined ? [] : [`${logger}:`]),
  ];
  return `${[...head, event, ...values].join(' ')}\n`;
}
