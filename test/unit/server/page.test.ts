import { test } from 'tap';
import { pageTold, type PageOptions } from '../../../src/server/page-told.ts';
import { sampleStatus } from '../observe/sample-record.ts';

interface Told {
  readonly name: string;
  readonly data: { readonly [key: string]: unknown };
}

function eventsOf(text: string): Told[] {
  return text.split('\n\n').filter((block) => block !== '').map((block) => {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block)!;
    return { name: name!, data: JSON.parse(data!) as Told['data'] };
  });
}

function options(changes: Partial<PageOptions> = {}): PageOptions {
  return {
    version: '1.2.3',
    choices: { latest: 0, read: () => undefined, isOver: () => true },
    clock: () => 0,
    statuses: () => [sampleStatus()],
    listeners: () => [{ name: 'prefix', policy: 'prefix-cost' }],
    lastMinute: { ofListener: () => undefined, ofEndpoint: () => undefined },
    waiting: () => 2,
    ...changes,
  };
}

test('one who comes hears who speaks and all numbers, then numbers each fourth tick', (t) => {
  const told = pageTold(options());
  told.begin();
  const [hello, snapshot, ...more] = eventsOf(told.greeting());
  t.match(hello, { name: 'hello', data: { version: '1.2.3', process: Number } });
  t.match(snapshot, { name: 'snapshot', data: { waiting: 2, listeners: [{ name: 'prefix', policy: 'prefix-cost', requests_per_s: 0, ttft_p50_ms: null, prompt_tokens: 0 }] } });
  t.same(more, []);
  const columns = hello!.data['endpoint_columns'] as string[];
  const [row] = snapshot!.data['endpoints'] as unknown[][];
  t.same(Object.fromEntries(columns.map((column, at) => [column, row![at]])), {
    id: '10.0.0.11:8000', pool: 'default', because: '', draining_by: [], in_flight: 3, queued_tokens: 1200, running: 4, kv_usage: 0.25,
    predicted_hit_ratio: null, reported_hit_ratio: null, ttft_p50_ms: null, requests_per_s: 0, index_tokens: 5000, capacity_tokens: 400_000,
  });
  t.same([1, 2, 3, 4, 5, 6, 7, 8].map(() => eventsOf(told.tick()).map(({ name }) => name)), [[], [], [], ['snapshot'], [], [], [], ['snapshot']]);
  t.end();
});

test('200 endpoints take less than 30 KB a second', (t) => {
  const recent = { requestsPerS: 12.3456789, timeToFirstTokenP50Ms: 168.123456, timeToFirstTokenP90Ms: 640.123456, predictedHitRatio: 0.8123456, reportedHitRatio: 0.8123456, errorRatio: 0.0031234 };
  const statuses = Array.from({ length: 200 }, (_, at) => sampleStatus({ id: `vllm-${at}.models.svc.cluster.local:8000` }));
  const told = pageTold(options({ statuses: () => statuses, lastMinute: { ofListener: () => undefined, ofEndpoint: () => recent } }));
  told.begin();
  const bytes = Math.max(...[1, 2, 3, 4].map(() => told.tick().length));
  t.ok(bytes > 10_000 && bytes < 30_000, `${bytes} bytes`);
  t.end();
});
