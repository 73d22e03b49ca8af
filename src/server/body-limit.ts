// body-limit.ts: the size limit of bodies that are streamed and so never here as a whole.

import { Transform, type TransformCallback } from 'node:stream';
import type { ErrorAnswer } from '../proxy/error-answer.ts';

export class BodyTooLarge extends Error {}

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
    if (this.#bytes > this.#bytesMax) done(new BodyTooLarge());
    else done(null, chunk);
  }
}

export function tooLarge(bytesMax: number): ErrorAnswer {
  return { status: 413, message: `The body is larger than the ${bytesMax} bytes that are let in.`, code: 'body_too_large' };
}
