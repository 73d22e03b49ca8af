import { test } from 'tap';
import type { Surface } from '../../../src/core/request.ts';
import { read } from './reading.ts';

const messages = [{ role: 'user', content: 'hello' }];

function canAsk(surface: Surface, more: object): boolean {
  return read(surface, { messages, prompt: 'hello', input: 'hello', stream: true, ...more }).canAskUsage;
}

test('a stream that ends without usage can be asked for it', (t) => {
  for (const surface of ['chat', 'completions'] as const) {
    t.ok(canAsk(surface, {}));
    t.ok(canAsk(surface, { n: null }));
    t.ok(canAsk(surface, { n: 1 }));
    for (const options of [null, { include_usage: false }, { include_usage: null }, { include_usage: false, continuous_usage_stats: false, other: [1] }]) {
      t.ok(canAsk(surface, { stream_options: options }), JSON.stringify(options));
    }
  }
  t.end();
});

test('an answer that is no stream, or tells usage anyway, is not asked', (t) => {
  for (const surface of ['chat', 'completions'] as const) {
    for (const stream of [false, null, 1, 'true']) t.notOk(canAsk(surface, { stream }));
    // vLLM takes options without the wish for a wish.
    for (const options of [{ include_usage: true }, {}, { continuous_usage_stats: false }, { include_usage: 0 }, [], true, 'x']) {
      t.notOk(canAsk(surface, { stream_options: options }), JSON.stringify(options));
    }
  }
  for (const surface of ['responses', 'messages'] as const) t.notOk(canAsk(surface, {}));
  t.end();
});

test('a wish that would change more than the end of the answer is not made', (t) => {
  for (const surface of ['chat', 'completions'] as const) {
    for (const n of [2, '1', 0, true]) t.notOk(canAsk(surface, { n }), `n ${n}`);
    t.notOk(canAsk(surface, { stream_options: { include_usage: false, continuous_usage_stats: true } }));
  }
  for (const prompt of [undefined, null, [], ['a', 'b'], [[1], [2]]]) t.notOk(canAsk('completions', { prompt }), JSON.stringify(prompt));
  for (const prompt of ['', ['a'], [1, 2], [[1, 2]]]) t.ok(canAsk('completions', { prompt }), JSON.stringify(prompt));
  for (const odd of [undefined, null, 'hello']) t.notOk(canAsk('chat', { messages: odd }));
  t.end();
});
