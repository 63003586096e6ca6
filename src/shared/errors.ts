/**
 * The error catalogue: every failure a user can meet has a stable code, an HTTP status, a process exit code
 * and a hint. A stack trace never reaches a user; what is not in the catalogue is `RL_INTERNAL`.
 */

interface CatalogueEntry {
  /** HTTP status the API answers with. */
  readonly status: number;
  /**
   * Process exit code of the command line: 1 check missed, 2 usage, or something of this machine that the user has to see to,
   * 3 network, 4 TLS, 5 internal, 130 stopped by the user, as shells have it.
   */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 130;
  /** What the user can do about it. */
  readonly hint: string;
}

const entry = (status: number, exit: CatalogueEntry['exit'], hint: string): CatalogueEntry => ({
  status,
  exit,
  hint,
});

export const CATALOGUE = {
  // Usage and input
  RL_INPUT_INVALID: entry(422, 2, 'Correct the named field and try again.'),
  RL_USAGE: entry(400, 2, 'Run the command with --help to see its options.'),
  RL_NOT_FOUND: entry(404, 2, 'Choose one of those that exist; it may have been removed.'),
  RL_CONFLICT: entry(409, 2, 'Choose another name, or change the existing one.'),
  RL_CONFIG_INVALID: entry(422, 2, 'Correct the configuration file at the line given.'),
  RL_UNAUTHORIZED: entry(401, 2, 'Send a valid bearer token.'),
  RL_FORBIDDEN_ORIGIN: entry(
    403,
    2,
    'Call the API from the lab’s own page, or allow the origin with --cors-origin.',
  ),
  RL_HOST_HEADER: entry(
    421,
    2,
    'Address the lab by localhost, 127.0.0.1 or the host it was bound to, or list the name in server.names.',
  ),
  RL_RATE_LIMITED: entry(429, 2, 'Wait for the time in retry-after.'),
  RL_BODY_TOO_LARGE: entry(413, 2, 'Send a body of at most 1 MB.'),
  RL_CANCELLED: entry(499, 130, 'Start it again when you are ready.'),
  // Network
  RL_HOST_UNKNOWN: entry(502, 3, 'Check the spelling of the host name and that DNS works.'),
  RL_PORT_CLOSED: entry(502, 3, 'Check the port, and that a QUIC server listens on it (UDP).'),
  RL_CONNECT_TIMEOUT: entry(
    504,
    3,
    'Check that UDP to this host and port is not filtered, or raise --timeout.',
  ),
  RL_NETWORK_UNREACHABLE: entry(502, 3, 'Check the machine’s own connection and routes.'),
  RL_LAB_UNREACHABLE: entry(503, 3, 'Check that the lab still runs; the page reconnects by itself.'),
  RL_CONNECTION_LOST: entry(502, 3, 'The peer went silent; check the path and try again.'),
  RL_PEER_CLOSED: entry(502, 3, 'The server closed the connection; its reason is in the message.'),
  RL_VERSION_UNSUPPORTED: entry(502, 3, 'The server does not speak QUIC version 1.'),
  RL_PROTOCOL_VIOLATION: entry(
    502,
    3,
    'One side broke the QUIC protocol; if it was RouteLab, report it with what --debug shows.',
  ),
  RL_HTTP_STATUS: entry(502, 1, 'Check the path, and what the server says of it.'),
  RL_PEER_UNSUPPORTED: entry(502, 3, 'Probe a RouteLab server, or measure with --mode handshake.'),
  RL_PORT_IN_USE: entry(409, 2, 'Stop what uses the port, or choose another with the named setting.'),
  RL_ADDRESS_UNAVAILABLE: entry(409, 2, 'Bind to an address this machine has.'),
  RL_PROMETHEUS_DOWN: entry(502, 3, 'Check the address, and that Prometheus runs there.'),
  RL_PROMETHEUS_TIMEOUT: entry(504, 3, 'Ask for less at once, or give it longer with --timeout.'),
  RL_PROMETHEUS_ANSWER: entry(
    502,
    3,
    'Check that the address is that of a Prometheus, and what is in between.',
  ),
  // TLS
  RL_ALPN_MISMATCH: entry(
    502,
    4,
    'Offer a protocol the server speaks: --mode handshake --alpn NAME, or an https URL for HTTP/3.',
  ),
  RL_CERT_EXPIRED: entry(502, 4, 'Renew the server’s certificate, or check this machine’s clock.'),
  RL_CERT_HOST_MISMATCH: entry(502, 4, 'Use a name that is in the certificate, or set --server-name.'),
  RL_CERT_UNTRUSTED: entry(
    502,
    4,
    'Pass the issuing authority with --ca (of another lab of yours: --data), or measure with --insecure (marked).',
  ),
  RL_CERT_INVALID: entry(502, 4, 'The certificate cannot be used for a server; have it reissued.'),
  RL_TLS_FAILED: entry(502, 4, 'The TLS handshake failed; the alert is in the message.'),
  // Store and files
  RL_DATA_UNWRITABLE: entry(500, 2, 'Give the lab a folder it may write to with --data.'),
  RL_DATA_IN_USE: entry(409, 2, 'Stop that lab, or choose another folder with --data.'),
  RL_DB_NEWER: entry(
    500,
    2,
    'Open it with the newer RouteLab that wrote it, or choose another --data folder.',
  ),
  RL_DB_CORRUPT: entry(
    500,
    2,
    'Restore the file from a copy, or choose another folder with --data; nothing was written to it.',
  ),
  RL_DISK_FULL: entry(507, 2, 'Free some space; what could not be stored is counted.'),
  RL_FILE_UNREADABLE: entry(400, 2, 'Check the path and its permissions.'),
  RL_FILE_UNWRITABLE: entry(400, 2, 'Name a file or folder that can be written, where its parent exists.'),
  // Ours
  RL_INTERNAL: entry(500, 5, 'This is a defect in RouteLab: please report it with the log.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

/** What crosses a carrier: the same four fields on REST, WebSocket, MessagePort and `--json`. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  field?: string;
  hint: string;
}

/** A failure from the catalogue. `message` says what was wrong; `field` names the input at fault, if one was. */
export class LabError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly hint: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { field?: string; hint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'LabError';
    this.code = code;
    this.field = options.field;
    this.hint = options.hint ?? CATALOGUE[code].hint;
  }

  get status(): number {
    return CATALOGUE[this.code].status;
  }

  get exitCode(): number {
    return CATALOGUE[this.code].exit;
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.field === undefined ? {} : { field: this.field }),
      hint: this.hint,
    };
  }

  /** Restores an error that crossed a worker or carrier boundary as its body. */
  static fromBody(body: ErrorBody): LabError {
    return new LabError(body.code, body.message, {
      hint: body.hint,
      ...(body.field ? { field: body.field } : {}),
    });
  }
}

/** What the system says of a disk, or of the user's share of it, that is full. */
export const isDiskFull = (thrown: unknown): boolean =>
  /^(ENOSPC|EDQUOT)$/.test(String((thrown as { code?: unknown } | null | undefined)?.code));

/** Any thrown value as a catalogue error; what is unknown becomes `RL_INTERNAL` and keeps its cause. */
export function toLabError(thrown: unknown): LabError {
  if (thrown instanceof LabError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (isDiskFull(thrown)) return new LabError('RL_DISK_FULL', message, { cause: thrown });
  return new LabError('RL_INTERNAL', `Unexpected failure: ${message}`, { cause: thrown });
}
