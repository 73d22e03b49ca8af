// stub-dispatcher.ts: a dispatcher whose every word is the test's, and what the proxy said to it.

import type { ServerResponse } from 'node:http';
import type { Test } from 'tap';
import { buildConnector } from 'undici';
import type { Ask, Assignment, Dispatcher, Outcome, Refusal, Settled, Standing, Waiting } from '../../src/core/dispatcher.ts';
import { ANYBODY } from '../../src/core/identity.ts';
import type { RequestRecord, RetryReason } from '../../src/core/record.ts';
import { createPromptReader } from '../../src/prompt/read.ts';
import type { ForwardDeps } from '../../src/proxy/forward.ts';
import { Sweep } from '../../src/proxy/sweep.ts';
import { createUpstream } from '../../src/proxy/upstream.ts';
import { BodyTotal } from '../../src/server/body-total.ts';
import { ClientLimits } from '../../src/server/client-limits.ts';
import { createClientListener } from '../../src/server/client-listener.ts';

export const TICKET = 7;
export const WAITING: Waiting = { kind: 'waiting', ticket: TICKET };

/** An attempt at this address. */
export function assignment(attempt: number, id: string): Assignment {
  const endpoint = { id, pool: 'default', origin: `http://${id}`, apiKey: undefined };
  const unread = { upstreamModel: undefined, asksUsage: false, matchRatio: 0, promptTokens: 0, predictedCachedTokens: 0 };
  return { kind: 'assigned', attempt, endpoint, model: 'm', criticality: 'standard', policy: 'round-robin', ...unread };
}

export class StubDispatcher implements Dispatcher {
  readonly asks: Ask[] = [];
  readonly left: number[] = [];
  readonly finished: (readonly [attempt: number, outcome: Outcome])[] = [];
  readonly heard: boolean[] = [];
  /** Of whoever waits. */
  settled: Settled | undefined;
  state: Standing = 'up';
  readonly #answers: (Assignment | Refusal | Waiting)[];

  /** What `assign` answers, one after the other. */
  constructor(...answers: readonly (Assignment | Refusal | Waiting)[]) {
    this.#answers = [...answers];
  }

  assign(ask: Ask): Assignment | Refusal;
  assign(ask: Ask, settled: Settled): Assignment | Refusal | Waiting;
  assign(ask: Ask, settled?: Settled): Assignment | Refusal | Waiting {
    this.asks.push({ ...ask, excluded: [...ask.excluded] });
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error('One more was asked for than the test foresees');
    if (answer.kind === 'waiting') this.settled = settled;
    return answer;
  }

  explain(): never {
    throw new Error('No test asks for this');
  }

  leave(ticket: number): void {
    this.left.push(ticket);
  }

  firstToken(): void {}

  finish(attempt: number, outcome: Outcome): void {
    this.finished.push([attempt, outcome]);
  }

  standing(_attempt: number, heard: boolean): Standing {
    this.heard.push(heard);
    return this.state;
  }
}

export interface Forwarding {
  readonly url: string;
  readonly records: readonly RequestRecord[];
  readonly retries: readonly RetryReason[];
  /** The answers to requests so far, as the server has them. */
  readonly responses: readonly ServerResponse[];
}

/** A client listener, the story of each request and this dispatcher; nothing else of a router. */
export async function startForwarding(t: Test, dispatcher: Dispatcher, changes: Partial<ForwardDeps> = {}): Promise<Forwarding> {
  const clock = (): number => performance.now();
  const records: RequestRecord[] = [];
  const retries: RetryReason[] = [];
  const responses: ServerResponse[] = [];
  const connect = buildConnector({ timeout: 5000 });
  const upstream = createUpstream(connect);
  const deps: ForwardDeps = {
    dispatcher,
    readPrompt: createPromptReader({ secret: new Uint8Array(32) }).read,
    tenantSecret: undefined,
    upstream,
    sweep: new Sweep(clock, 200),
    clock,
    observer: { chosen: () => {}, retried: (_, reason) => retries.push(reason), ended: (record) => records.push(record) },
    limits: { firstByteMs: 60_000, idleMs: 60_000, clientStallMs: 60_000, totalMs: 60_000 },
    attemptsMax: 2,
    keepAliveCommentMs: 0,
    unexpected: (error) => t.fail(String(error)),
    ...changes,
  };
  const limits = { bodyBytesMax: 33_554_432, bodyBytesTotalMax: 1e9, bodies: new BodyTotal(), clientBodyMs: 60_000, connectionsMax: undefined };
  const whoever = { authenticate: () => ANYBODY, clientLimits: new ClientLimits({ clients: new Map(), tenant: 1 }), isTrustedProxy: () => false, corsOrigins: new Set<string>() };
  const listening = { name: 'prefix', debugHeaders: false, ...limits, ...whoever, connect, startedS: 0 };
  const app = createClientListener(() => ({ ...listening, forward: deps, servedModels: () => ['m'], healthy: () => true, leaving: () => false }));
  app.server.on('request', (_, response: ServerResponse) => responses.push(response));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => {
    app.server.closeAllConnections();
    await app.close();
    await upstream.destroy();
  });
  return { url, records, retries, responses };
}
