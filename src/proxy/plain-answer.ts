// plain-answer.ts: what an answer that is no stream says of itself, by its status and by what is kept of its bytes.

import type { IncomingHttpHeaders } from 'node:http';
import type { Outcome, RejectedBecause } from '../core/dispatcher.ts';
import type { Surface } from '../core/request.ts';
import { rejectedBecause } from './because.ts';
import { withPiece } from './gathered-bytes.ts';
import { isJson } from './headers.ts';
import { gaveUpInAnswer, hasChoices } from './gave-up.ts';
import { findUsage } from './usage.ts';
import { responseId } from './verdict.ts';

/** This much of its end is kept: the usage stands there. An error up to this size is held until it is whole. */
const KEPT_MAX_BYTES = 65_536;
/** An answer that the engine gave up is never longer, so a longer one need not be whole to go to the client. */
const JUDGED_MAX_BYTES = 16_384;

export class PlainAnswer {
  /** What it is will be known when it is whole: nothing of it goes to the client. */
  holds: boolean;
  readonly #surface: Surface;
  readonly #status: number;
  readonly #encoded: boolean;
  /** JSON that ends where its connection ends: only its last byte says whether it is whole. */
  readonly #unframed: boolean;
  readonly #onFirstToken: (responseId: string | undefined, isWhole: boolean) => void;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #begun = false;
  #because: RejectedBecause | undefined;
  #responseId: string | undefined;

  constructor(surface: Surface, status: number, headers: IncomingHttpHeaders, onFirstToken: (responseId: string | undefined, isWhole: boolean) => void) {
    this.#surface = surface;
    this.#status = status;
    this.#encoded = headers['content-encoding'] !== undefined;
    this.#onFirstToken = onFirstToken;
    this.#unframed = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined && !this.#encoded && isJson(headers);
    const isShort = Number(headers['content-length'] ?? Number.NaN) <= JUDGED_MAX_BYTES;
    this.holds = status >= 400 || (status === 200 && isShort && !this.#encoded && hasChoices(surface));
  }

  feed(chunk: Buffer): void {
    this.#keep(chunk);
    if (this.#surface === 'responses') this.#responseId ??= responseId(chunk);
    if (this.holds && this.#keptBytes > KEPT_MAX_BYTES) {
      this.#because = this.#reason();
      this.holds = false;
    }
    if (!this.holds) this.#begin(false);
  }

  /** It goes to the client now. */
  release(): void {
    this.holds = false;
  }

  /** How it ended, now that it is whole. */
  outcome(): Outcome {
    if (this.#status >= 400) return { kind: 'rejected', status: this.#status, because: this.#because ?? this.#reason() };
    const text = this.#encoded ? '' : joined(this.#kept).toString('latin1');
    if (this.holds && gaveUpInAnswer(this.#surface, text)) return { kind: 'aborted' };
    const isTruncated = this.#unframed && !endsAsJson(joined(this.#kept));
    if (this.#keptBytes > 0) this.#begin(!isTruncated);
    if (isTruncated) return { kind: 'truncated' };
    return { kind: 'complete', usage: findUsage(text), responseId: this.#responseId };
  }

  /** How it ended, if that is known although the connection broke: its status says that there is none. */
  brokenOutcome(): Outcome | undefined {
    return this.#status >= 400 ? this.outcome() : undefined;
  }

  #begin(isWhole: boolean): void {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#status < 400) this.#onFirstToken(this.#responseId, isWhole);
  }

  #reason(): RejectedBecause {
    return this.#encoded ? 'other' : rejectedBecause(this.#status, joined(this.#kept), false);
  }

  #keep(chunk: Buffer): void {
    this.#kept = withPiece(this.#kept, chunk);
    this.#keptBytes += chunk.length;
    if (this.holds) return;
    while (this.#keptBytes - (this.#kept[0]?.length ?? 0) >= KEPT_MAX_BYTES) this.#keptBytes -= this.#kept.shift()?.length ?? 0;
  }
}

const CLOSING = new Set([0x7d, 0x5d]);
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

function endsAsJson(bytes: Buffer): boolean {
  let last = bytes.length - 1;
  while (last >= 0 && WHITE_SPACE.has(bytes[last]!)) last -= 1;
  return last >= 0 && CLOSING.has(bytes[last]!);
}

export function joined(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
