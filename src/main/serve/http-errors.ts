/** Every failure the HTTP server itself meets, as a body of the error catalogue: `{ code, message, field?, hint }`. */
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { LabError } from '../../shared/errors.ts';
import { errorBody, type Log } from '../lab/index.ts';

export function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((thrown: FastifyError | LabError, request, reply) => {
    const error = thrown instanceof LabError ? thrown : fromFastify(thrown);
    if (error.status >= 500) {
      log.error({ err: thrown, method: request.method, url: request.url }, 'a request failed');
    }
    return sendError(reply, error);
  });
  app.setNotFoundHandler((request, reply) =>
    sendError(
      reply,
      new LabError('RL_NOT_FOUND', `There is nothing at ${request.method} ${request.url.split('?')[0]}.`),
    ),
  );
}

export const sendError = (reply: FastifyReply, error: LabError): FastifyReply =>
  reply.code(error.status).type('application/json').send(JSON.stringify(error.toBody()));

/** What Fastify itself found wrong with a request. */
export function fromFastify(thrown: FastifyError): LabError {
  switch (thrown.statusCode) {
    case 413:
      return new LabError('RL_BODY_TOO_LARGE', 'body: larger than 1 MB', { field: 'body' });
    case 415:
      return new LabError('RL_INPUT_INVALID', 'content-type: the body must be application/json', {
        field: 'content-type',
      });
    case 400:
      if (thrown.code === 'FST_ERR_BAD_URL')
        return new LabError('RL_INPUT_INVALID', 'path: not a valid URL path', {
          field: 'path',
          cause: thrown,
        });
      return new LabError('RL_INPUT_INVALID', `body: ${thrown.message}`, { field: 'body', cause: thrown });
    // A path that points out of the pages' folder is simply not there.
    case 403:
    case 404:
      return new LabError('RL_NOT_FOUND', 'There is nothing at this address.', { cause: thrown });
    default:
      return LabError.fromBody(errorBody(thrown));
  }
}
