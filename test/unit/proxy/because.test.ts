// What an endpoint's error says of it: by the words of a real vLLM, which a client cannot put into its mouth.

import { test } from 'tap';
import { rejectedBecause } from '../../../src/proxy/because.ts';
import { SseScanner } from '../../../src/proxy/sse.ts';
import { realAnswer } from '../../../src/proxy/verdict.ts';
import { captured } from '../../support/captures.ts';

for (const [name, because] of [
  ['overload', 'overloaded'],
  ['overload-messages', 'overloaded'],
  ['overload-stream', 'overloaded'],
  ['draining-new', 'draining'],
  ['engine-dead', 'engine_dead'],
  ['error-too-long', 'other'],
  ['error-unknown-model', 'other'],
] as const) {
  test(`${name} is ${because}`, (t) => {
    const { status, body } = captured(name);
    t.equal(rejectedBecause(status, body, false), because);
    t.end();
  });
}

for (const [name, status, because] of [['overload-stream-error-in-200', 503, 'overloaded'], ['engine-dead-new-stream', 500, 'engine_dead']] as const) {
  test(`${name}, an error as the first event, is ${because}`, (t) => {
    const scanner = new SseScanner();
    scanner.feed(captured(name).body);
    const real = realAnswer(scanner.last[0]!);
    t.equal(real?.status, status);
    t.equal(rejectedBecause(status, real!.body, true), because);
    t.end();
  });
}

test('another server error is first_event where it was one, and a client error never says anything of its endpoint', (t) => {
  const body = Buffer.from('{"error":{"message":"CUDA error"}}');
  t.equal(rejectedBecause(500, body, true), 'first_event');
  t.equal(rejectedBecause(500, body, false), 'other');
  t.equal(rejectedBecause(400, body, true), 'other');
  t.equal(rejectedBecause(400, captured('draining-new').body, false), 'other');
  t.equal(rejectedBecause(500, Buffer.alloc(0), false), 'other');
  t.equal(rejectedBecause(500, Buffer.from('EngineCore encountered an issue'), false), 'other', 'no error of vLLM');
  t.end();
});

test('an error that quotes its request ejects nobody', (t) => {
  const quoted = (text: string): Buffer => Buffer.from(JSON.stringify({ error: { message: `Cannot handle: ${text}`, code: 500 } }));
  t.equal(rejectedBecause(500, quoted('cannot schedule new futures after shutdown'), false), 'other');
  t.equal(rejectedBecause(500, quoted('{"message":"EngineCore encountered an issue"}'), false), 'other');
  t.equal(rejectedBecause(500, Buffer.from(`{"error":{"code":"${'x'.repeat(4000)}","message":"EngineCore encountered an issue"}}`), false), 'other', 'looked for near the beginning only');
  t.end();
});
