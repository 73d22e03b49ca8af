// api-error.ts: the errors of vLLM's HTTP surface, in the three shapes it sends them.

export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly param: string | null;

  constructor(status: number, type: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.type = type;
    this.param = param;
  }
}

/** How an API tells of an error: as a whole answer, or as events inside a stream that began with a 200. */
export interface ErrorShape {
  errorBody(error: ApiError): string;
  errorEvents(error: ApiError): readonly string[];
}

export const openAiErrors: ErrorShape = {
  errorBody: (error) => JSON.stringify({ error: { message: error.message, type: error.type, param: error.param, code: error.status } }),
  // Inside a stream it is written by Python's own encoder, with spaces.
  errorEvents(error) {
    const param = error.param === null ? 'null' : JSON.stringify(error.param);
    const message = JSON.stringify(error.message);
    return [`data: {"error": {"message": ${message}, "type": "${error.type}", "param": ${param}, "code": ${error.status}}}\n\n`, 'data: [DONE]\n\n'];
  },
};

export const anthropicErrors: ErrorShape = {
  errorBody: (error) => JSON.stringify({ type: 'error', error: { type: error.type, message: error.message } }),
  errorEvents(error) {
    const type = error.status === 503 ? 'overloaded_error' : 'api_error';
    return [`event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message: error.message } })}\n\n`];
  },
};

/** One pydantic complaint, as vLLM prints it. */
export function validationError(complaint: string, param: string | null): ApiError {
  return new ApiError(400, 'Bad Request', `1 validation error:\n  ${complaint}`, param);
}

export function missingField(field: string, body: object): ApiError {
  const fields = Object.keys(body).length;
  return validationError(`{'type': 'missing', 'loc': 'body.${field}', 'msg': 'Field required', 'input': '<dict of ${fields} items>'}`, `body.${field}`);
}

export function badRequest(message: string, param: string | null = null): ApiError {
  return new ApiError(400, 'BadRequestError', message, param);
}

export function engineDeadError(): ApiError {
  return new ApiError(500, 'InternalServerError', 'EngineCore encountered an issue. See stack trace (above) for the root cause.');
}

export function drainingError(): ApiError {
  return new ApiError(500, 'InternalServerError', 'cannot schedule new futures after shutdown');
}

export function busyError(): ApiError {
  return new ApiError(
    503,
    'Service Unavailable',
    'The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.',
  );
}

export function backlogError(): ApiError {
  return new ApiError(
    503,
    'Service Unavailable',
    'The engine has reached its prefill token backlog limit. Please try again later or on a different instance.',
  );
}
