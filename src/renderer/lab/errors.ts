import { ORPCError } from '@orpc/client';
import { CATALOGUE, type ErrorBody, type ErrorCode, LabError, toLabError } from '../../shared/errors.ts';

const isCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(CATALOGUE, code);

/** The call was given up by this page itself: the view that wanted the answer is gone. */
const isAbort = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'AbortError';

/** What a failed call comes to in the four fields of the catalogue. */
export function errorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof ORPCError) {
    const data = thrown.data as Partial<ErrorBody> | undefined;
    if (isCode(data?.code)) {
      return {
        code: data.code,
        message: data.message ?? thrown.message,
        ...(data.field === undefined ? {} : { field: data.field }),
        hint: data.hint ?? CATALOGUE[data.code].hint,
      };
    }
  }
  // A carrier that closes under a call aborts it.
  if (isAbort(thrown)) return unreachable('the connection to the lab was lost').toBody();
  return toLabError(thrown).toBody();
}

export const unreachable = (why: string): LabError =>
  new LabError('RL_LAB_UNREACHABLE', `Lab unreachable: ${why}`);

/** What is wrong and what to do about it, as two sentences. */
export const errorAdvice = ({ message, hint }: Pick<ErrorBody, 'message' | 'hint'>): string =>
  `${message}${/[.!?]$/.test(message) ? '' : '.'} ${hint}`;

/** The same with the code, by which it can be looked up. */
export const errorText = (error: Pick<ErrorBody, 'message' | 'hint'> & { code: string }): string =>
  `${errorAdvice(error)} (${error.code})`;
