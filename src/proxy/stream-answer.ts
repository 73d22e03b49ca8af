// stream-answer.ts: what a stream of events says of itself while its bytes go by: whether an answer comes, its first token, how it ended.

import type { Outcome } from '../core/dispatcher.ts';
import type { Surface } from '../core/request.ts';
import { rejectedBecause } from './because.ts';
import { ABORT, gaveUpInEvent, hasChoices, isOpening } from './gave-up.ts';
import { SseScanner } from './sse.ts';
import { isFirstToken, judgeStream, realAnswer, responseId, type RealAnswer } from './verdict.ts';

export class StreamAnswer {
  /** Whether an answer comes is not known yet: nothing of it goes to the client. */
  holds = true;
  /** The role has come and no token. vLLM sends both together, so this lasts until the next event, or the next tick. */
  holdsOpening = false;
  /** Set when an event says that no answer comes. */
  ended: Outcome | undefined;
  /** The answer that it should have been, when it ended as an error. */
  real: RealAnswer | undefined;
  readonly #surface: Surface;
  readonly #onFirstToken: (responseId: string | undefined, isWhole: boolean) => void;
  readonly #scanner = new SseScanner();
  #responseId: string | undefined;

  constructor(surface: Surface, onFirstToken: (responseId: string | undefined, isWhole: boolean) => void) {
    this.#surface = surface;
    this.#onFirstToken = onFirstToken;
    this.#scanner.listener = (event) => this.#onEvent(event);
  }

  /** Whether the endpoint said at least that it is there. */
  get commented(): boolean {
    return this.#scanner.comments > 0;
  }

  get atBoundary(): boolean {
    return this.#scanner.atBoundary;
  }

  feed(chunk: Buffer): void {
    this.#scanner.feed(chunk);
  }

  /** It goes to the client now. Where only the role has come, that is the first token as far as anybody can tell. */
  release(): void {
    this.holds = false;
    if (this.holdsOpening) this.#begin();
  }

  /** Hears of no more events. */
  close(): void {
    this.#scanner.listener = undefined;
  }

  /** How it ended, if it ended here. */
  outcome(): Outcome {
    const outcome = judgeStream(this.#surface, this.#scanner.last);
    return outcome.kind === 'complete' ? { ...outcome, responseId: this.#responseId } : outcome;
  }

  /** Where in the chunk the engine says that it gives the answer up, 0 where it began to before; -1 where it does not, as nearly always. */
  abortIn(chunk: Buffer): number {
    if (!hasChoices(this.#surface)) return -1;
    if (!this.#scanner.atBoundary) {
      // The words may be cut. Engines send whole events, so this is rare.
      const reach = ABORT.length - 1;
      if (Buffer.concat([this.#scanner.partial(reach), chunk.subarray(0, reach)]).includes(ABORT)) return 0;
    }
    return chunk.indexOf(ABORT);
  }

  /** How it ended, if that is known although the connection broke: the terminal event is the end, whatever becomes of the connection after it. */
  brokenOutcome(): Outcome | undefined {
    const outcome = this.outcome();
    return outcome.kind === 'complete' ? outcome : undefined;
  }

  #onEvent(event: Buffer): void {
    if (this.holds) {
      this.real = realAnswer(event);
      if (this.real !== undefined) {
        this.#endWith({ kind: 'rejected', status: this.real.status, because: rejectedBecause(this.real.status, this.real.body, true) });
        return;
      }
      this.holdsOpening = isOpening(this.#surface, event);
      if (this.holdsOpening) return;
      if (gaveUpInEvent(this.#surface, event)) {
        this.#endWith({ kind: 'aborted' });
        return;
      }
      this.holds = false;
    }
    // Behind a comment or the role, an error is no token.
    if (realAnswer(event) !== undefined) return;
    if (this.#surface === 'responses') this.#responseId ??= responseId(event);
    if (isFirstToken(this.#surface, event)) this.#begin();
  }

  #endWith(outcome: Outcome): void {
    this.ended = outcome;
    this.close();
  }

  #begin(): void {
    this.holdsOpening = false;
    this.close();
    this.#onFirstToken(this.#responseId, false);
  }
}
