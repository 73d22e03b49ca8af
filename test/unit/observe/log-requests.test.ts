import { pino } from 'pino';
import { test } from 'tap';

import { seededRandom } from '../../../src/core/random.ts';
import type { RequestRecord } from '../../../src/core/record.ts';
import { createLog } from '../../../src/observe/log.ts';
import type { LogOptions } from '../../../src/observe/log.ts';
import { sampleRecord } from './sample-record.ts';

function collect(options: Partial<LogOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLog({ level: 'info', sampleRatio: 1, matchRatioMin: 0.5, random: seededRandom(7), destination, ...options });
  return { log, lines };
}

function sampledBy(seed: number) {
  const { log, lines } = collect({ sampleRatio: 0.5, random: seededRandom(seed) });
  for (let i = 0; i < 100; i++) log.ended(sampleRecord({ id: `req-${i}` }));
  return lines.map((line) => line.id);
}

test('a request makes one line with named fields and no other', (t) => {
  const { log, lines } = collect();
  log.ended(sampleRecord());
  t.equal(lines.length, 1);
  const { time, ...rest } = lines[0] ?? {};
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.strictSame(rest, {
    level: 'info',
    id: 'req-1',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    listener: 'prefix',
    surface: 'chat',
    model: 'qwen',
    pool: 'default',
    endpoint: '10.0.0.11:8000',
    policy: 'prefix-cost',
    match_ratio: 0.543,
    predicted_cached_tokens: 96,
    reported_cached_tokens: 112,
    prompt_tokens: 200,
    completion_tokens: 10,
    ttft_ms: 31.3,
    duration_ms: 420,
    attempts: 1,
    status: 200,
    outcome: 'complete',
    reason: '',
    msg: 'request',
  });
  t.end();
});

test('whatever a client calls its model, the line is one, and as pino writes the other lines', (t) => {
  for (const model of ['"},{"', 'a\nb', '\u0000\u001f\u007f', '漢😀', '\\', '\u2028']) {
    const written: string[] = [];
    const { log } = collect({ destination: { write: (line) => void written.push(line) } });
    log.ended(sampleRecord({ model }));
    const [line = ''] = written;
    t.equal(line.indexOf('\n'), line.length - 1);
    const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    t.equal(fields.model, model);
    const asPino: string[] = [];
    pino({ base: null, timestamp: () => `,"time":${JSON.stringify(time)}`, formatters: { level: (label) => ({ level: label }) } }, { write: (other) => void asPino.push(other) }).info(fields, String(msg));
    t.equal(level, 'info');
    t.equal(line, asPino[0]);
  }
  t.end();
});

test('a record that carries more than it should does not leak into the log', (t) => {
  const written: string[] = [];
  const { log } = collect({ level: 'trace', destination: { write: (line) => void written.push(line) } });
  const record = { ...sampleRecord(), body: 'MARKER', headers: { authorization: 'Bearer MARKER' }, url: '/v1?key=MARKER' } as RequestRecord;
  log.chosen(record);
  log.retried(record, 'reset');
  log.ended(record);
  t.equal(written.length, 3);
  t.notMatch(written.join(''), /MARKER/);
  t.end();
});

test('what the engine did not report is left out, and prompt tokens fall back to the estimate', (t) => {
  const { log, lines } = collect();
  const unreported = { reportedPromptTokens: undefined, reportedCachedTokens: undefined, completionTokens: undefined, timeToFirstTokenMs: undefined };
  log.ended(sampleRecord({ ...unreported, promptTokens: 179.6 }));
  const line = lines[0] ?? {};
  for (const key of ['reported_cached_tokens', 'completion_tokens', 'ttft_ms']) t.notOk(key in line, key);
  t.equal(line.prompt_tokens, 180);
  t.end();
});

test('a choice by prefix-cost says how much of the prompt matched', (t) => {
  const { log, lines } = collect();
  log.chosen(sampleRecord());
  log.chosen(sampleRecord({ matchRatio: 0 }));
  t.equal(lines.length, 1, 'nothing matched, so no prefix chose');
  const { time: _time, ...rest } = lines[0] ?? {};
  t.strictSame(rest, { level: 'info', request: 'req-1', 'matching ratio': ' 0.54', msg: 'Do prefix-aware routing!' });
  t.end();
});

test('a line that is made later says of the choice what it was when it was made', (t) => {
  const later: (() => string)[] = [];
  const { log } = collect({ destination: { write: () => t.fail('made at once'), writeLater: (line) => void later.push(line) } });
  const record = sampleRecord();
  log.chosen(record);
  record.matchRatio = 0.25;
  log.ended(record);
  t.match(later.map((line) => JSON.parse(line()) as unknown), [{ 'matching ratio': ' 0.54' }, { match_ratio: 0.25 }]);
  t.end();
});

test('a choice by prefix-threshold says the threshold too, and only above it', (t) => {
  const { log, lines } = collect();
  log.chosen(sampleRecord({ policy: 'prefix-threshold' }));
  log.chosen(sampleRecord({ policy: 'prefix-threshold', matchRatio: 0.5 }));
  t.strictSame(
    lines.map((line) => line['matching ratio']),
    [' 0.54 > 0.50'],
  );
  t.end();
});

test('other policies never claim that a prefix chose', (t) => {
  const { log, lines } = collect();
  for (const policy of ['least-request', 'round-robin', 'random', ''] as const) log.chosen(sampleRecord({ policy }));
  t.strictSame(lines, []);
  t.end();
});

test('what went wrong is logged as a warning whatever the sampling, what went well is not', (t) => {
  const { log, lines } = collect({ sampleRatio: 0 });
  for (const outcome of ['complete', 'client_gone', 'error', 'truncated', 'shed'] as const) log.ended(sampleRecord({ outcome, reason: 'why' }));
  t.strictSame(
    lines.map(({ level, outcome }) => `${String(level)} ${String(outcome)}`),
    ['warn error', 'warn truncated', 'warn shed'],
  );
  t.end();
});

test('sampling keeps its share of requests, and both lines of a request or neither', (t) => {
  const { log, lines } = collect({ sampleRatio: 0.25 });
  for (let i = 0; i < 10_000; i++) {
    const record = sampleRecord({ id: `req-${i}` });
    log.chosen(record);
    log.ended(record);
  }
  const requests = lines.filter((line) => line.msg === 'request').map((line) => line.id);
  const choices = lines.filter((line) => line.msg !== 'request').map((line) => line.request);
  t.ok(Math.abs(requests.length - 2500) < 150, `${requests.length} of 10000`);
  t.strictSame(choices, requests);
  t.end();
});

test('another run samples other requests', (t) => {
  t.strictSame(sampledBy(1), sampledBy(1));
  t.strictNotSame(sampledBy(1), sampledBy(2));
  t.end();
});

test('a line that the level leaves out is not even built', (t) => {
  const { log, lines } = collect({ level: 'warn' });
  const untouchable = new Proxy(sampleRecord(), {
    get: (record, key) => {
      if (key !== 'outcome') t.fail(`read ${String(key)}`);
      return Reflect.get(record, key);
    },
  });
  log.chosen(untouchable);
  log.retried(untouchable, 'reset');
  log.ended(untouchable);
  t.strictSame(lines, []);
  t.end();
});

test('a retry names where it failed and why; a stale connection is no news', (t) => {
  const { log, lines } = collect();
  log.retried(sampleRecord(), 'unreachable');
  log.retried(sampleRecord(), 'stale');
  t.equal(lines.length, 1);
  t.match(lines[0], { level: 'info', request: 'req-1', pool: 'default', endpoint: '10.0.0.11:8000', reason: 'unreachable', msg: 'retry' });
  t.end();
});
