// router.ts: what decides, counts and shows, of a router of 200 endpoints, with an upstream that answers at once or a little later.

import { seededRandom } from '../../src/core/random.ts';
import type { Assignment } from '../../src/core/dispatcher.ts';
import { PrefixDispatcher } from '../../src/dispatch/dispatcher.ts';
import { Estimates } from '../../src/dispatch/estimates.ts';
import { endpointStatuses } from '../../src/dispatch/status.ts';
import { createLastMinute } from '../../src/observe/last-minute.ts';
import { createLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { createObserver } from '../../src/observe/observer.ts';
import { createPromptReader } from '../../src/prompt/read.ts';
import { newRecord } from '../../src/proxy/new-record.ts';
import { createAdmin } from '../../src/server/admin.ts';
import { createPools } from '../choice/fleet.ts';
import { chatBody, prompt } from '../choice/prompts.ts';

export const ENDPOINTS = 200;
const CONVERSATIONS = 400;
const PROMPT_BYTES = 8_192;
const KV_CACHE_TOKENS = 100_000;
/** An answer is under way while so many more requests come. */
const IN_FLIGHT = 400;

export interface BenchRouter {
  readonly adminUrl: string;
  /** One request comes, and the oldest under way ends. */
  request(): void;
  close(): Promise<void>;
}

interface UnderWay {
  readonly assignment: Assignment;
  readonly beganMs: number;
}

export async function startBenchRouter(seed: number): Promise<BenchRouter> {
  const random = seededRandom(seed);
  const clock = (): number => performance.now();
  const prefix = { kvCacheTokens: KV_CACHE_TOKENS, bytesPerToken: 4, matchRatioMin: 0.5, tenantEndpointsRatio: 1 };
  const pools = createPools(clock, ENDPOINTS);
  const estimates = new Estimates(prefix);
  const listeners = [{ name: 'prefix', policy: 'prefix-cost', record: true }, { name: 'baseline', policy: 'least-request', record: true }] as const;
  const admission = { inFlightMax: 16_384, queueLengthMax: 0, queueBytesMax: 0, queueWaitMaxMs: 0 };
  const dispatcher = new PrefixDispatcher({ pools, estimates, clock, random }, { listeners, models: [], prefix, admission, retry: { budgetRatio: 1, budgetMin: 0 } });
  const statuses = () => endpointStatuses(pools.all(), estimates, clock());
  const waiting = () => dispatcher.waiting;
  const metrics = createMetrics({ version: '0.0.0', modelsMax: 10, endpointStatuses: statuses, modelStatuses: () => [], waiting });
  const log = createLog({ level: 'info', sampleRatio: 1, matchRatioMin: 0.5, random, destination: { write() {} } });
  const lastMinute = createLastMinute(clock);
  const observer = createObserver(log, metrics, lastMinute);
  const reader = createPromptReader({ secret: new Uint8Array(32).fill(7) });
  const bodies = Array.from({ length: CONVERSATIONS }, () => chatBody(prompt(random, 'conversation', PROMPT_BYTES)));
  const underWay: UnderWay[] = [];
  let made = 0;

  const finish = ({ assignment, beganMs }: UnderWay): void => {
    dispatcher.finish(assignment.attempt, { kind: 'complete', usage: { promptTokens: assignment.promptTokens, completionTokens: 40, cachedTokens: assignment.predictedCachedTokens }, responseId: undefined });
    const { promptTokens, predictedCachedTokens, policy, matchRatio } = assignment;
    const record = newRecord(`request-${assignment.attempt}`, 'prefix', 'chat', '', '0af7651916cd43dd8448eb211c80319c');
    observer.ended(Object.assign(record, {
      model: 'bench', policy, matchRatio, promptTokens, predictedCachedTokens, pool: 'bench', endpoint: assignment.endpoint.id, attempts: 1, status: 200, outcome: 'complete' as const,
      reportedPromptTokens: promptTokens, reportedCachedTokens: predictedCachedTokens, timeToFirstTokenMs: clock() - beganMs, durationMs: clock() - beganMs,
    }));
  };

  const admin = createAdmin({
    version: '0.0.0',
    access: () => ({ onLoopback: true, tokenSha256: undefined }),
    ready: () => ({ ready: true, reasons: [] }),
    statuses,
    models: () => [],
    waiting: () => waiting().requests,
    metricsText: () => metrics.text(),
    metricsContentType: metrics.contentType,
    config: () => ({ loadedAt: new Date(), source: 'bench', lastReload: undefined }),
    reload: async () => ({ result: 'ok' }),
    setDrained: () => undefined,
    choices: {
      choices: dispatcher.choices,
      clock,
      listeners: () => ['prefix'],
      bodyBytesMax: () => 0,
      explain: () => {
        throw new Error('nothing is explained here');
      },
    },
    page: { listeners: () => listeners, lastMinute },
    unexpected: (error) => {
      throw error;
    },
  });
  return {
    adminUrl: await admin.listen({ host: '127.0.0.1', port: 0 }),
    request() {
      made += 1;
      const facts = reader.read('chat', bodies[made % CONVERSATIONS]!);
      const assignment = dispatcher.assign({ facts, listener: 'prefix', excluded: [], request: `request-${made}`, traceId: '0af7651916cd43dd8448eb211c80319c' });
      if (assignment.kind === 'refused') throw new Error(assignment.message);
      dispatcher.firstToken(assignment.attempt);
      underWay.push({ assignment, beganMs: clock() });
      if (underWay.length > IN_FLIGHT) finish(underWay.shift()!);
    },
    close: () => admin.close(),
  };
}
