/** What the carriers have in common: failures outside a procedure are catalogue errors too, and messages are checked. */
import { ORPCError } from '@orpc/server';
import { z } from 'zod';
import { LabError } from '../../../shared/errors.ts';
import { toCarriedError } from '../../lab/index.ts';

/**
 * For a handler's `interceptors`: a request that no operation matches, or that cannot be decoded, is refused with
 * the catalogue's code like any other. What a procedure throws is an ORPCError already.
 */
export async function carryErrors<R extends { matched: boolean }>(options: {
  request: { method: string; url: URL };
  next: () => Promise<R>;
}): Promise<R> {
  const result = await options.next().catch((error: unknown) => {
    if (error instanceof ORPCError) throw toCarriedError(error);
    const message = 'body: the request cannot be decoded';
    throw toCarriedError(new LabError('RL_INPUT_INVALID', message, { field: 'body', cause: error }));
  });
  if (result.matched) return result;
  const { method, url } = options.request;
  throw toCarriedError(new LabError('RL_NOT_FOUND', `There is no operation ${method} ${url.pathname}.`));
}

const REQUEST = 1;
const ABORT = 4;

/** An oRPC peer message as our clients send it; no operation takes a stream as its input. */
const Message = z.union([
  z.object({ i: z.string().max(64), t: z.literal(ABORT) }),
  z.object({
    i: z.string().max(64),
    t: z.literal(REQUEST).optional(),
    p: z.object({
      u: z.string().startsWith('/').max(2048),
      h: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
      m: z.string().max(16).optional(),
    }),
  }),
]);

/** Whether what arrived on a WebSocket or a port is a message at all; what is not ends the connection. */
export function isRpcMessage(data: unknown): data is string {
  if (typeof data !== 'string') return false;
  try {
    return Message.safeParse(JSON.parse(data)).success;
  } catch {
    return false;
  }
}
