/** What stays open, WebSockets and event streams: so many of each, and each for as long as its token is valid. */
import { LabError } from '../../shared/errors.ts';
import type { Auth } from './auth.ts';

const MOST = { sockets: 64, streams: 64 } as const;
type Kind = keyof typeof MOST;

interface Session {
  kind: Kind;
  token: string | null;
  end: () => void;
}

export class Sessions {
  readonly #auth: Auth;
  readonly #open = new Set<Session>();
  readonly #timer: NodeJS.Timeout;

  /** Tokens are looked at every `checkEveryMs`: they expire, and the secret may become another. */
  constructor(auth: Auth, checkEveryMs = 15_000) {
    this.#auth = auth;
    this.#timer = setInterval(() => void this.check(), checkEveryMs);
    this.#timer.unref();
  }

  /** Throws RL_RATE_LIMITED where there are as many as there may be. */
  requireRoom(kind: Kind): void {
    const open = [...this.#open].filter((session) => session.kind === kind).length;
    if (open >= MOST[kind])
      throw new LabError('RL_RATE_LIMITED', `${MOST[kind]} ${kind} are open already.`, {
        hint: 'Close one of them.',
      });
  }

  /**
   * Takes one on, and returns what lets go of it. `end` is called when its token is no longer valid. Throws RL_RATE_LIMITED where
   * there are as many as there may be.
   */
  open(kind: Kind, token: string | null, end: () => void): () => void {
    this.requireRoom(kind);
    const session: Session = { kind, token, end };
    this.#open.add(session);
    return () => this.#open.delete(session);
  }

  /** Ends those whose tokens are not valid now. */
  async check(): Promise<void> {
    await Promise.all(
      [...this.#open].map((session) => this.#auth.require(session.token).catch(() => session.end())),
    );
  }

  close(): void {
    clearInterval(this.#timer);
    this.#open.clear();
  }
}
