// read-body.ts: a whole request body in memory, within the limits for one and for all together.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorAnswer } from '../proxy/error-answer.ts';
import { GatheredBytes } from '../proxy/gathered-bytes.ts';
import type { HeldBytes } from './body-total.ts';
import type { ClientListenerOptions } from './options.ts';

/** Enough for some of the requests that are here to end. */
const RETRY_AFTER_S = 1;

/**
 * Collects the body and hands it over, or the answer to one that cannot be had: as soon as it is known to be too large, by its announced length or
 * by what came. The rest is not read then. What it holds counts until the request's answer is over.
 */
export function readBody(request: FastifyRequest, reply: FastifyReply, options: ClientListenerOptions, done: (body: Buffer | ErrorAnswer) => void): void {
  const { bodyBytesMax, bodyBytesTotalMax, bodies } = options;
  if (announcedBytes(request) > bodyBytesMax) {
    done(tooLarge(bodyBytesMax));
    return;
  }
  const payload: IncomingMessage = request.raw;
  const held = bodies.hold();
  releaseAfter(reply.raw, held);
  // The listeners stay as long as the request: to take three away costs more than to call them. What they are for does not.
  let gathered: GatheredBytes | undefined = new GatheredBytes();
  let handOver: typeof done | undefined = done;
  const settle = (result: Buffer | ErrorAnswer): void => {
    const settled = handOver;
    gathered = handOver = undefined;
    if (!Buffer.isBuffer(result)) {
      payload.pause();
      held.release();
    }
    settled?.(result);
  };
  payload.on('data', (chunk: Buffer) => {
    if (gathered === undefined) return;
    gathered.add(chunk);
    const fits = held.add(chunk.length, bodyBytesTotalMax);
    if (gathered.length > bodyBytesMax) settle(tooLarge(bodyBytesMax));
    else if (!fits) settle(TOO_MANY_BYTES);
  });
  payload.on('end', () => {
    if (gathered !== undefined) settle(gathered.whole());
  });
  // A client that leaves after the end of its body is found out by its answer.
  payload.on('error', () => {
    if (gathered !== undefined) settle(INCOMPLETE);
  });
}

/** Apart from what collects a body, which would be kept as long. */
function releaseAfter(answer: ServerResponse, held: HeldBytes): void {
  answer.on('close', () => held.release());
}

/** 0 where the length is not announced. */
export function announcedBytes({ headers }: FastifyRequest): number {
  return Number(headers['content-length'] ?? 0);
}

export function tooLarge(bytesMax: number): ErrorAnswer {
  return { status: 413, message: `The body is larger than the ${bytesMax} bytes that are let in.`, code: 'body_too_large' };
}

const TOO_MANY_BYTES: ErrorAnswer = {
  status: 503,
  message: 'The bodies of the requests that are here already leave no room for this one.',
  code: 'bodies_too_large',
  retryAfterS: RETRY_AFTER_S,
  shouldRetry: true,
};

/** The client left in the middle of it. */
const INCOMPLETE: ErrorAnswer = { status: 400, message: 'The request could not be read.', code: 'invalid_request' };
