/**
 * The one connection to the lab: opened at once, watched by a heartbeat, reopened with growing delays, and known to
 * the page through `useConnection`.
 */
import { createORPCClient, DynamicLink } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import { create } from 'zustand';
import type { Contract } from '../../shared/contract/index.ts';
import { retryDelayMs } from './backoff.ts';
import { type Carrier, openCarrier } from './carriers.ts';
import { errorBody, unreachable } from './errors.ts';
import { storeToken } from './token.ts';

interface ConnectionState {
  /** `locked`: the lab answers, and wants a token that this tab does not have. */
  phase: 'connecting' | 'online' | 'offline' | 'locked';
  /** Counts the carriers opened; streams begin anew with each. */
  generation: number;
  /** When the next attempt is due, while offline. */
  retryAtMs: number | null;
}

export const useConnection = create<ConnectionState>(() => ({
  phase: 'connecting',
  generation: 0,
  retryAtMs: null,
}));

const HEARTBEAT_MS = 10_000;

let carrier: Carrier | null = null;
let opening: Promise<void> | null = null;
let attempts = 0;
let retryTimer: ReturnType<typeof setTimeout> | undefined;

/** Tries now; an attempt already under way is left to finish. */
export function connect(): Promise<void> {
  clearTimeout(retryTimer);
  opening ??= open().finally(() => {
    opening = null;
  });
  return opening;
}

async function open(): Promise<void> {
  try {
    const opened = await openCarrier((error) => lost(opened, error));
    carrier = opened;
    attempts = 0;
    useConnection.setState((s) => ({ phase: 'online', generation: s.generation + 1, retryAtMs: null }));
  } catch (thrown) {
    withoutCarrier(thrown);
  }
}

/** Forgets the token of this tab; the lab wants one again. */
export function signOut(): void {
  storeToken(null);
  const left = carrier;
  carrier = null;
  left?.close();
  void connect();
}

function lost(which: Carrier, error: unknown): void {
  if (carrier !== which) return;
  carrier = null;
  withoutCarrier(error);
}

function withoutCarrier(why: unknown): void {
  if (errorBody(why).code === 'RL_UNAUTHORIZED') {
    useConnection.setState({ phase: 'locked', retryAtMs: null });
    return;
  }
  attempts++;
  const delay = retryDelayMs(attempts);
  useConnection.setState({ phase: 'offline', retryAtMs: Date.now() + delay });
  retryTimer = setTimeout(connect, delay);
}

const link = new DynamicLink<Record<never, never>>(async () => {
  if (carrier === null && opening !== null) await opening;
  if (carrier === null) throw unreachable('it is being tried again');
  return carrier.link;
});

/** Every call and stream of the contract, over whichever carrier is open. */
export const client: ContractRouterClient<Contract> = createORPCClient(link);

/** A peer that vanished closes nothing: ask now and then, and give the carrier up when no answer comes. */
async function heartbeat(): Promise<void> {
  const asked = carrier;
  if (asked === null) return;
  const silence = setTimeout(() => {
    lost(asked, unreachable('no answer'));
    asked.close();
  }, HEARTBEAT_MS);
  // An error is an answer too.
  await client.lab.info().catch(() => undefined);
  clearTimeout(silence);
}

connect();
setInterval(heartbeat, HEARTBEAT_MS);
