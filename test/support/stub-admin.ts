// stub-admin.ts: an admin listener without what stands behind it, for tests of the page.

import type { Test } from 'tap';
import type { Choice, Choices, Considered } from '../../src/core/choice.ts';
import type { EndpointStatus } from '../../src/core/status.ts';
import { createAdmin, type AdminOptions } from '../../src/server/admin.ts';
import { sampleStatus } from '../unit/observe/sample-record.ts';

const WARM = 150;
/** Of a listener or an endpoint. */
export const RECENT = { requestsPerS: 12, timeToFirstTokenP50Ms: 168, timeToFirstTokenP90Ms: 640, predictedHitRatio: 0.8, reportedHitRatio: 0.81, errorRatio: 0.003, promptTokens: 1000, notRecomputedTokens: 800 };
export const LISTENERS = [{ name: 'prefix', policy: 'prefix-cost' }, { name: 'baseline', policy: 'least-request' }];

function considered(at: number): Considered {
  const available = at % 50 !== 1;
  return { endpoint: idOf(at), available, because: available ? '' : 'unhealthy', matchedTokens: at === WARM ? 900 : 0, matchRatio: at === WARM ? 0.9 : 0, uncachedTokens: 1000, insertedTokens: 1100, queuedTokens: at, pressure: 0, overfullTokens: 0, inFlight: 1, cost: available ? (at === WARM ? 10 : 2000 + at) : undefined };
}

export function idOf(at: number): string {
  return `10.0.0.${at}:8000`;
}

export function choiceOf(seq: number, endpoints: number): Choice {
  return {
    seq, atMs: performance.now(), request: `request-${seq}`, traceId: '0af7651916cd43dd8448eb211c80319c', listener: 'prefix', policy: 'prefix-cost', model: 'm', promptTokens: 1000, blocks: 20,
    endpoint: idOf(WARM), matchedTokens: 900, matchRatio: 0.9, predictedCachedTokens: 896, runnerUp: idOf(0), sentence: `${idOf(WARM)} holds 900 of 1,000 tokens.`,
    considered: Array.from({ length: endpoints }, (_, at) => considered(at)), endpoints, outcome: 'running', ttftMs: undefined, durationMs: undefined, reportedCachedTokens: undefined,
  };
}

export interface StubAdmin {
  readonly url: string;
  /** Makes the next choice. */
  choose(): void;
  /** One of them is over. */
  end(seq: number): void;
  /** Its connections are cut, and it stays. */
  hangUp(): void;
  close(): Promise<void>;
}

/** Of as many endpoints. */
export async function stubAdmin(t: Test, endpoints: number, changes: Partial<AdminOptions> = {}, port = 0): Promise<StubAdmin> {
  const made: Choice[] = [];
  const choices: Choices = {
    get latest() {
      return made.length;
    },
    read: (seq) => made[seq - 1],
    isOver: (seq) => made[seq - 1]!.outcome !== 'running',
  };
  const statuses = (): EndpointStatus[] => Array.from({ length: endpoints }, (_, at) => sampleStatus({ id: idOf(at), inFlight: at % 9, ...(at % 50 === 1 ? { available: false, unavailableBecause: 'unhealthy' } : {}) }));
  const admin = createAdmin({
    version: '1.2.3',
    access: () => ({ onLoopback: true, tokenSha256: undefined }),
    ready: () => ({ ready: true, reasons: [] }),
    statuses,
    models: () => [],
    waiting: () => 0,
    metricsText: async () => '',
    metricsContentType: 'text/plain',
    config: () => ({ loadedAt: new Date(0), source: 'w.yaml', lastReload: undefined }),
    reload: async () => ({ result: 'ok' }),
    setDrained: () => undefined,
    choices: { choices, clock: () => performance.now(), listeners: () => ['prefix'], bodyBytesMax: () => 1024, explain: () => t.fail('nothing is explained') as never },
    page: { listeners: () => LISTENERS, lastMinute: { ofListener: () => RECENT, ofEndpoint: () => RECENT } },
    unexpected: (error) => t.fail('unexpected', { error }),
    ...changes,
  });
  t.teardown(() => admin.close());
  const url = await admin.listen({ host: '127.0.0.1', port });
  return {
    url,
    choose: () => void made.push(choiceOf(made.length + 1, endpoints)),
    end: (seq) => void (made[seq - 1] = { ...made[seq - 1]!, outcome: 'complete', ttftMs: 100, durationMs: 1000 }),
    hangUp: () => admin.server.closeAllConnections(),
    close: () => admin.close(),
  };
}
