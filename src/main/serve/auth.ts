/**
 * Bearer tokens (RFC 6750) in the form of JWTs signed with HS256. While no secret is set nobody needs one: then the host
 * listens on this machine only, and the guard keeps other sites' pages out.
 */
import type { FastifyInstance } from 'fastify';
import { errors, jwtVerify, SignJWT } from 'jose';
import { LabError } from '../../shared/errors.ts';
import type { Limits } from './limits.ts';
import type { Sessions } from './sessions.ts';

/** What every carrier that others reach asks of a caller. */
export interface Access {
  auth: Auth;
  limits: Limits;
  sessions: Sessions;
}

export interface AuthSettings {
  secret: string | null;
  issuer: string;
}

/** Between the clocks of who signs and who checks. */
const CLOCK_TOLERANCE_S = 5;
const LONGEST_TOKEN = 8192;

const keyOf = (secret: string): Uint8Array => new TextEncoder().encode(secret);

/** A token for `subject`, valid from now for `lifetimeS` seconds. */
export const signToken = (
  { secret, issuer }: { secret: string; issuer: string },
  subject: string,
  lifetimeS: number,
  nowMs: number,
): Promise<string> => {
  const nowS = Math.floor(nowMs / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(subject)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + lifetimeS)
    .sign(keyOf(secret));
};

export class Auth {
  readonly #settings: () => AuthSettings;
  readonly #nowMs: () => number;

  /** `settings` is asked for each token: they change while the host runs. */
  constructor(settings: () => AuthSettings, nowMs: () => number = Date.now) {
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  /** Throws RL_UNAUTHORIZED, unless no token is needed or this one is valid. */
  async require(token: string | null): Promise<void> {
    const { secret, issuer } = this.#settings();
    if (secret === null) return;
    if (token === null) throw unauthorized('This lab wants a bearer token.');
    if (token.length > LONGEST_TOKEN) throw unauthorized('The token is longer than any of this lab.');
    try {
      await jwtVerify(token, keyOf(secret), {
        // No algorithm but ours counts, `none` least of all (RFC 8725 §3.1).
        algorithms: ['HS256'],
        issuer,
        // Nobody can take a token back: each has to end.
        requiredClaims: ['exp'],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(this.#nowMs()),
      });
    } catch (thrown) {
      throw unauthorized(reasonOf(thrown, issuer));
    }
  }
}

/** The token of an Authorization header; null where there is none. Throws RL_UNAUTHORIZED for another scheme. */
export function bearerOf(header: string | undefined): string | null {
  if (header === undefined) return null;
  const token = /^bearer +([\w\-.~+/]+=*) *$/i.exec(header)?.[1];
  if (token === undefined) throw unauthorized('The Authorization header has no bearer token.');
  return token;
}

const OPEN_PATHS = /^\/(?!(api|exports)(\/|$)|metrics(\/|$|\?))/;

/** Wants a token for the API, the metrics and what was exported. Pages, their description and the health tell nothing measured. */
export function requireTokens(app: FastifyInstance, auth: Auth): void {
  app.addHook('onRequest', async (request, reply) => {
    // A preflight carries no credentials (Fetch standard §3.3).
    if (request.method === 'OPTIONS' || OPEN_PATHS.test(request.routeOptions.url ?? request.url)) return;
    try {
      await auth.require(bearerOf(request.headers.authorization));
    } catch (error) {
      // RFC 6750 §3: without a token there is no error to name.
      const detail = request.headers.authorization === undefined ? '' : ', error="invalid_token"';
      reply.header('www-authenticate', `Bearer realm="routelab"${detail}`);
      throw error;
    }
  });
}

function reasonOf(thrown: unknown, issuer: string): string {
  if (thrown instanceof errors.JWTExpired) return 'The token has expired.';
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    if (thrown.claim === 'nbf') return 'The token is not valid yet.';
    if (thrown.claim === 'iss') return `The token was not issued by ${issuer}.`;
    if (thrown.reason === 'missing') return `The token has no "${thrown.claim}".`;
    return `The token's "${thrown.claim}" is not valid.`;
  }
  if (thrown instanceof errors.JOSEAlgNotAllowed) return 'The token is not signed with HS256.';
  if (thrown instanceof errors.JWSSignatureVerificationFailed)
    return 'The token is not signed with this lab’s secret.';
  return 'That is no token.';
}

const unauthorized = (message: string): LabError =>
  new LabError('RL_UNAUTHORIZED', message, {
    field: 'authorization',
    hint: 'Send a valid bearer token; routelab token makes one.',
  });
