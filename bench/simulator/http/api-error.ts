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

export function openAiBody(error: ApiError): string {
  return JSON.stringify({ error: { message: error.message, type: error.type, param: error.param, code: error.status } });
}

export function anthropicBody(error: ApiError): string {
  return JSON.stringify({ type: 'error', error: { type: error.type, message: error.message } });
}

/** As an event inside a stream. That one is written by Python's own encoder, with spaces. */
export function errorEvent(error: ApiError): string {
  const param = error.param === null ? 'null' : JSON.stringify(error.param);
  const message = JSON.stringify(error.message);
  return `data: {"error": {"message": ${message}, "type": "${error.type}", "param": ${param}, "code": ${error.status}}}\n\n`;
}

export function anthropicErrorEvent(error: ApiError): string {
  const type = error.status === 503 ? 'overloaded_error' : 'api_error';
  return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message: error.message } })}\n\n`;
}

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
