// body-limit.ts: the size limit of request bodies, as it is when a request comes.

import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import type { ErrorAnswer } from '../proxy/error-answer.ts';

export class BodyTooLarge extends Error {
  /** Fastify's own words for it. */
  readonly statusCode = 413;
  readonly bytesMax: number;

  constructor(bytesMax: number) {
    super(`The body is larger than ${bytesMax} bytes`);
    this.bytesMax = bytesMax;
  }
}

/** The client left, or lied about the length. */
class BodyIncomplete extends Error {
  readonly statusCode = 400;
}

/**
 * Collects a whole body and hands it over, or an error: BodyTooLarge as soon as it is known to be larger than `bytesMax`, by its announced length
 * or by what came. The rest is not read then.
 */
export function collectBody(payload: IncomingMessage, bytesMax: number, done: (error: Error | null, body?: Buffer) => void): void {
  if (Number(payload.headers['content-length'] ?? 0) > bytesMax) {
    done(new BodyTooLarge(bytesMax));
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > bytesMax) settle(new BodyTooLarge(bytesMax));
    else chunks.push(chunk);
  };
  const onEnd = (): void => settle(null);
  const onError = (error: Error): void => settle(new BodyIncomplete(error.message));
  const settle = (error: Error | null): void => {
    payload.off('data', onData).off('end', onEnd).off('error', onError);
    if (error === null) done(null, Buffer.concat(chunks, bytes));
    else done(error);
  };
  payload.on('data', onData).on('end', onEnd).on('error', onError);
}

/** Passes bytes on until there are more than `bytesMax`; then it fails with BodyTooLarge. */
export class BodyLimit extends Transform {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    super();
    this.#bytesMax = bytesMax;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) done(new BodyTooLarge(this.#bytesMax));
    else done(null, chunk);
  }
}

export function tooLarge(bytesMax: number): ErrorAnswer {
  return { status: 413, message: `The body is larger than the ${bytesMax} bytes that are let in.`, code: 'body_too_large' };
}
