// What the last events of a stream say about how it ended, and what a first event says about whether it began.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import type { Surface } from '../../../src/core/request.ts';
import { isFirstToken, judgeStream, realAnswer, responseId } from '../../../src/proxy/verdict.ts';
import { SURFACES } from '../../support/surfaces.ts';

const judge = (surface: Surface, ...events: readonly string[]): unknown => judgeStream(surface, events.map((event) => Buffer.from(event)));
const OPENAI_ERROR = 'data: {"error": {"message": "no", "type": "Service Unavailable", "param": null, "code": 503}}\n\n';
const ANTHROPIC_ERROR = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}\n\n';

for (const { name, delta, terminal } of SURFACES) {
  test(`${name}: whole with its own terminal event, truncated without, failed when an error is among the last`, (t) => {
    const surface = name as Surface;
    t.match(judge(surface, delta('x'), terminal), { kind: 'complete' });
    t.same(judge(surface, delta('x')), { kind: 'truncated' });
    t.same(judge(surface), { kind: 'truncated' });
    t.same(judge(surface, terminal, delta('x')), { kind: 'truncated' }, 'the terminal event is the last');
    t.same(judge(surface, delta('x'), OPENAI_ERROR, terminal), { kind: 'failed' });
    t.same(judge(surface, delta('x'), ANTHROPIC_ERROR), { kind: 'failed' });
    for (const other of SURFACES) if (other.terminal !== terminal && name !== 'responses') t.same(judge(surface, other.terminal), { kind: 'truncated' }, `not with that of ${other.name}`);
    t.end();
  });
}

test('text that speaks of errors is no error', (t) => {
  t.match(judge('chat', 'data: {"choices":[{"delta":{"content":"{\\"error\\": {"}}]}\n\n', 'data: [DONE]\n\n'), { kind: 'complete' });
  t.match(judge('responses', 'event: response.output_text.delta\ndata: {"delta":"event: error"}\n\n', 'event: response.incomplete\ndata: {}\n\n'), { kind: 'complete' });
  t.same(judge('responses', 'event: response.failed\ndata: {}\n\n'), { kind: 'failed' });
  t.end();
});

test('usage is taken from whichever of the last events has it', (t) => {
  t.match(judge('chat', 'data: {"usage":{"prompt_tokens":5,"completion_tokens":1}}\n\n', 'data: [DONE]\n\n'), { usage: { promptTokens: 5 } });
  t.match(judge('messages', 'event: message_delta\ndata: {"usage":{"input_tokens":5,"output_tokens":1}}\n\n', 'event: message_stop\ndata: {}\n\n'), { usage: { promptTokens: 5 } });
  t.match(judge('chat', 'data: [DONE]\n\n'), { kind: 'complete', usage: undefined });
  t.end();
});

test('an error as the first event has a real status, by its code or by its type', (t) => {
  const real = (event: string): unknown => realAnswer(Buffer.from(event))?.status;
  t.equal(real(OPENAI_ERROR), 503);
  t.equal(real('data: {"error": {"code": 400}}\n\n'), 400);
  t.equal(real('data: {"error": {"code": 200}}\n\n'), 500, 'no error has such a status');
  t.equal(real('data: {"error": {"code": "503"}}\n\n'), 500);
  t.equal(real('data: {"error": {"type": "Service Unavailable"}}\n\n'), 503);
  t.equal(real(ANTHROPIC_ERROR), 503);
  t.equal(real('event: error\ndata: {"type":"error","error":{"type":"rate_limit_error"}}\n\n'), 429);
  t.equal(real('event: error\ndata: no JSON\n\n'), 500);
  t.equal(realAnswer(Buffer.from(OPENAI_ERROR))?.body.toString(), OPENAI_ERROR.slice(6, -2));
  for (const { opening, delta, terminal } of SURFACES) for (const event of [opening, delta('error'), terminal]) t.equal(real(event), undefined);
  t.end();
});

test('the first token is the first event, or the first delta where others come before it', (t) => {
  for (const { name, opening, delta } of SURFACES) {
    t.equal(isFirstToken(name as Surface, Buffer.from(opening)), name === 'chat' || name === 'completions', name);
    t.equal(isFirstToken(name as Surface, Buffer.from(delta('x'))), true, name);
  }
  t.end();
});

test('the id of a stored answer is found near its beginning, and only one of the right form', (t) => {
  t.equal(responseId(Buffer.from('{"id": "resp_a-B_1","object":"response"}')), 'resp_a-B_1');
  t.equal(responseId(Buffer.from('{"id":"chatcmpl-1"}')), undefined);
  t.equal(responseId(Buffer.from('{"id":"resp_../x"}')), undefined);
  t.equal(responseId(Buffer.from(`${' '.repeat(5000)}{"id":"resp_1"}`)), undefined);
  t.end();
});

test('an id that is kept does not keep the event that it was found in', (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapAfter = (): number => (collect(), process.memoryUsage().heapUsed);
  const before = heapAfter();
  const ids = Array.from({ length: 5_000 }, (_, i) => responseId(Buffer.from(`data: {"response":{"id":"resp_${String(i).padStart(32, '0')}","text":"${'x'.repeat(5_000)}"}}\n\n`)));
  const bytesEach = (heapAfter() - before) / ids.length;
  // 100,000 of them are remembered.
  t.ok(bytesEach < 1_000, `${bytesEach} bytes each`);
  t.equal(ids[7], 'resp_00000000000000000000000000000007');
  t.end();
});
