/**
 * The error catalogue on the carriers: every failure of a procedure leaves it as an ORPCError whose code, status
 * and message are the catalogue's and whose `data` is the ErrorBody, so REST, WebSocket and MessagePort agree.
 */
import { ORPCError, ValidationError } from '@orpc/server';
import { CATALOGUE, type ErrorBody, type ErrorCode, LabError, toLabError } from '../../shared/errors.ts';

type CarriedError = ORPCError<ErrorCode, ErrorBody>;

const isCarried = (thrown: unknown): thrown is CarriedError =>
  thrown instanceof ORPCError && Object.hasOwn(CATALOGUE, thrown.code);

/** Any failure met between a carrier and a use case, ready to cross. */
export function toCarriedError(thrown: unknown): CarriedError {
  if (isCarried(thrown)) return thrown;
  const error = asLabError(thrown);
  return new ORPCError(error.code, {
    status: error.status,
    message: error.message,
    data: error.toBody(),
    cause: thrown,
  });
}

/** The catalogue's view of a carried error; for a host that answers in plain bodies. */
export const errorBody = (thrown: unknown): ErrorBody => toCarriedError(thrown).data;

function asLabError(thrown: unknown): LabError {
  if (!(thrown instanceof ORPCError)) return toLabError(thrown);
  // oRPC answers with BAD_REQUEST for input the schema refuses, and for input it cannot decode at all.
  if (thrown.cause instanceof ValidationError && thrown.code === 'BAD_REQUEST') {
    return inputInvalid(thrown.cause.issues);
  }
  if (thrown.status === 400) return new LabError('RL_INPUT_INVALID', thrown.message, { cause: thrown.cause });
  return toLabError(thrown.cause ?? thrown);
}

/** What zod says of an input, as far as the sentence needs it. */
interface Issue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
  readonly code?: string;
  readonly keys?: readonly string[];
  /** Of a union: the issues of each branch. */
  readonly errors?: readonly (readonly Issue[])[];
}

function inputInvalid(issues: readonly Issue[]): LabError {
  const named = issues.map((issue) => ({ field: fieldOf(issue), message: sentenceOf(issue) }));
  return new LabError(
    'RL_INPUT_INVALID',
    named.map(({ field, message }) => `${field}: ${message}`).join('; '),
    named[0] ? { field: named[0].field } : {},
  );
}

function fieldOf(issue: Issue): string {
  const path = (issue.path ?? []).map((segment) =>
    String(typeof segment === 'object' && segment !== null && 'key' in segment ? segment.key : segment),
  );
  if (issue.code === 'unrecognized_keys' && issue.keys?.[0] !== undefined) path.push(issue.keys[0]);
  return path.join('.') || 'body';
}

function sentenceOf(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') return 'no such field';
  // Of a union, the last branch is the one a text input was meant for.
  const inner = issue.code === 'invalid_union' ? issue.errors?.at(-1)?.[0] : undefined;
  return inner ? sentenceOf(inner) : issue.message.replace(/^Invalid input: /, '');
}
