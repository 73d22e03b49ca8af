// errors.ts: the errors that reach people, in one shape.

/** A request that the router itself refuses. Becomes an answer in the shape of the API that the client speaks. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  /** The field of the body that is to blame, as a path: `messages[2].role`. */
  readonly param: string | undefined;

  constructor(status: number, message: string, param?: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.param = param;
  }
}
