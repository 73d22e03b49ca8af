// modelled-client.ts: one request of one client in virtual time, with its attempts, as the proxy would make them.

import type { Clock } from '../../src/core/clock.ts';
import type { Ask, Assignment, Dispatcher, Outcome, Refusal } from '../../src/core/dispatcher.ts';
import type { GenerationFacts } from '../../src/core/request.ts';
import type { Random } from '../../src/core/random.ts';
import type { Schedule } from '../../src/pool/schedule.ts';
import type { ModelledEndpoint } from './modelled-endpoint.ts';

/** How it ended for the client. */
export type End = 'complete' | 'clean error' | 'error event' | 'client gone';

export interface ClientWorld {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
  endpointOf(id: string): ModelledEndpoint;
  /** Before the attempt does anything. */
  onAssigned(client: ModelledClient, assignment: Assignment): void;
  /** A connection there was refused, as the dispatcher is about to hear. */
  onRefused(id: string): void;
  onEnd(client: ModelledClient, end: End): void;
}

const ATTEMPTS_MAX = 2;
const ROUND_TRIP_MS = 1;
const SWEEP_MS = 250;
const SILENT_MS = 2000;
const FIRST_BYTE_MS = 8000;
const IDLE_MS = 4000;

export class ModelledClient {
  readonly facts: GenerationFacts;
  readonly #world: ClientWorld;
  readonly #excluded: string[] = [];
  #assignment: Assignment | undefined;
  #ticket: number | undefined;
  #state: 'new' | 'waiting' | 'running' | 'ended' = 'new';
  #waitingSinceMs = 0;
  #committed = false;
  /** Since bytes came last. */
  #silentMs = 0;
  #cancels: (() => void)[] = [];

  constructor(world: ClientWorld, facts: GenerationFacts) {
    this.#world = world;
    this.facts = facts;
  }

  get state(): 'new' | 'waiting' | 'running' | 'ended' {
    return this.#state;
  }

  /** Of the last time that it waited. */
  get waitingSinceMs(): number {
    return this.#waitingSinceMs;
  }

  get assignment(): Assignment | undefined {
    return this.#state === 'running' ? this.#assignment : undefined;
  }

  get attempts(): number {
    return this.#excluded.length;
  }

  begin(): void {
    this.#ask({});
  }

  leave(): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'waiting') this.#world.dispatcher.leave(this.#ticket!);
    else this.#finish({ kind: 'client_gone' });
    this.#end('client gone');
  }

  /** Its endpoint was killed: every connection breaks. */
  broken(): void {
    this.#failed({ kind: 'reset', stale: false });
  }

  #ask(retry: Pick<Ask, 'retry'>): void {
    const ask: Ask = { facts: this.facts, listener: 'prefix', excluded: this.#excluded, bodyBytes: 1000, ...retry };
    const result = this.#world.dispatcher.assign(ask, (settled) => {
      if (this.#state !== 'waiting') throw new Error(`told of ${settled.kind} while it was ${this.#state}`);
      this.#take(settled);
    });
    if (result.kind !== 'waiting') {
      this.#take(result);
      return;
    }
    this.#state = 'waiting';
    this.#waitingSinceMs = this.#world.clock();
    this.#ticket = result.ticket;
  }

  #take(result: Assignment | Refusal): void {
    if (result.kind === 'refused') {
      this.#end('clean error');
      return;
    }
    this.#state = 'running';
    this.#assignment = result;
    this.#silentMs = 0;
    this.#world.onAssigned(this, result);
    this.#excluded.push(result.endpoint.id);
    this.#after(ROUND_TRIP_MS, () => this.#arrive());
    this.#sweep();
  }

  /** The request reaches the endpoint. */
  #arrive(): void {
    const { random } = this.#world;
    switch (this.#world.endpointOf(this.#assignment!.endpoint.id).mood) {
      case 'dead':
        this.#world.onRefused(this.#assignment!.endpoint.id);
        return this.#failed({ kind: 'unreachable', refused: true });
      case 'draining':
        return this.#failed({ kind: 'rejected', status: 500, because: 'draining' });
      case 'engine-dead':
        return this.#failed({ kind: 'rejected', status: 500, because: 'engine_dead' });
      case 'erring':
        return this.#failed({ kind: 'rejected', status: 500, because: 'other' });
      case 'overloaded':
        return this.#failed({ kind: 'rejected', status: 503, because: 'overloaded' });
      case 'aborting':
        return this.#failed({ kind: 'aborted' });
      case 'hung':
      case 'asleep':
        return;
      case 'well':
        this.#after(20 + 300 * random(), () => this.#firstToken());
    }
  }

  #firstToken(): void {
    if (this.#isSilent()) return;
    this.#committed = true;
    this.#silentMs = 0;
    this.#world.dispatcher.firstToken(this.#assignment!.attempt);
    const tokens = Math.ceil(20 * this.#world.random());
    const next = (left: number): void => {
      if (this.#isSilent()) return;
      this.#silentMs = 0;
      if (left > 0) this.#after(100, () => next(left - 1));
      else this.#complete(tokens);
    };
    next(tokens);
  }

  /** What hangs says nothing more, on what it has begun either. */
  #isSilent(): boolean {
    const { mood } = this.#world.endpointOf(this.#assignment!.endpoint.id);
    return mood === 'hung' || mood === 'asleep';
  }

  #complete(completionTokens: number): void {
    this.#finish({ kind: 'complete', usage: { promptTokens: this.#assignment!.promptTokens, completionTokens, cachedTokens: undefined }, responseId: undefined });
    this.#end('complete');
  }

  #sweep(): void {
    this.#after(SWEEP_MS, () => {
      const standing = this.#world.dispatcher.standing(this.#assignment!.attempt, this.#silentMs === 0);
      this.#silentMs += SWEEP_MS;
      const isLost = this.#silentMs > SILENT_MS && (standing === 'gone' || (standing === 'stuck' && !this.#committed));
      if (isLost) this.#failed({ kind: 'lost' });
      else if (!this.#committed && this.#silentMs > FIRST_BYTE_MS) this.#failed({ kind: 'timeout', limit: 'first_byte_ms' });
      else if (this.#committed && this.#silentMs > IDLE_MS) this.#failed({ kind: 'timeout', limit: 'idle_ms' });
      else this.#sweep();
    });
  }

  #failed(outcome: Outcome): void {
    this.#finish(outcome);
    const retry = this.#committed || this.attempts >= ATTEMPTS_MAX ? undefined : retryOf(outcome);
    if (retry === undefined) this.#end(this.#committed ? 'error event' : 'clean error');
    else this.#ask({ retry });
  }

  #finish(outcome: Outcome): void {
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#world.dispatcher.finish(this.#assignment!.attempt, outcome);
    this.#assignment = undefined;
  }

  #end(end: End): void {
    if (this.#state === 'ended') throw new Error(`ended twice, now with ${end}`);
    this.#state = 'ended';
    this.#world.onEnd(this, end);
  }

  #after(delayMs: number, run: () => void): void {
    this.#cancels.push(this.#world.schedule(delayMs, run));
  }
}

function retryOf(outcome: Outcome): Ask['retry'] {
  switch (outcome.kind) {
    case 'unreachable':
    case 'reset':
    case 'lost':
      return 'free';
    case 'aborted':
      return 'budgeted';
    case 'timeout':
      return outcome.limit === 'first_byte_ms' ? 'budgeted' : undefined;
    case 'rejected':
      return outcome.because === 'other' ? undefined : 'budgeted';
    default:
      return undefined;
  }
}
