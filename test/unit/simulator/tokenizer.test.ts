// Text to tokens and back, and the answers made of them.

import * as fc from 'fast-check';
import { test } from 'tap';
import { naturalLength, proseAnswer, promptSeed, toolCallAnswer } from '../../../bench/simulator/text/answer.ts';
import { pieces, tokenize } from '../../../bench/simulator/text/tokenizer.ts';

test('texts with a common prefix share its tokens but, at most, the last one', (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  fc.assert(
    fc.property(text, text, text, (prefix, a, b) => {
      const shared = tokenize(prefix);
      const [left, right] = [tokenize(prefix + a), tokenize(prefix + b)];
      return shared.slice(0, -1).every((token, at) => token === left[at] && token === right[at]);
    }),
  );
  t.pass('for any texts');
  t.end();
});

test('the pieces of a text are the text', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      const found = pieces(text);
      return found.join('') === text && found.length === tokenize(text).length;
    }),
  );
  t.pass('for any text');
  t.end();
});

test('English takes about four bytes a token', (t) => {
  const text = 'The scheduler keeps a queue of waiting requests and a list of running requests. '.repeat(50);
  const ratio = text.length / tokenize(text).length;
  t.ok(ratio > 3.5 && ratio < 5, `${ratio}`);
  t.end();
});

test('an answer tokenises to the tokens that were generated', (t) => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 400 }), (seed, length) => {
      const answer = proseAnswer(seed, length, length, false);
      return String(tokenize(answer.texts.join(''))) === String(answer.tokens);
    }),
  );
  t.pass('for any seed');
  t.end();
});

test('equal prompts answer alike, other prompts and other choices otherwise', (t) => {
  const say = (prompt: string, choice: number): string => proseAnswer(promptSeed(tokenize(prompt), choice), 20, 20, false).texts.join('');
  t.equal(say('Say hello', 0), say('Say hello', 0));
  t.not(say('Say hello', 0), say('Say hello!', 0));
  t.not(say('Say hello', 0), say('Say hello', 1));
  t.end();
});

test('an answer stops by itself unless it is cut or may not stop', (t) => {
  t.match(proseAnswer(1, 10, 100, true), { finishReason: 'stop', texts: { length: 10 } });
  t.match(proseAnswer(1, 10, 9, true), { finishReason: 'length', texts: { length: 9 } });
  t.match(proseAnswer(1, 10, 100, false), { finishReason: 'length', texts: { length: 100 } });
  fc.assert(fc.property(fc.integer(), (seed) => naturalLength(seed, 200) >= 100 && naturalLength(seed, 200) <= 300));
  t.end();
});

test('a tool call has a value of the right type for each property', (t) => {
  const properties = {
    city: { type: 'string' },
    days: { type: 'integer' },
    unit: { enum: ['C', 'F'] },
    exact: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
  };
  const { texts, toolCall } = toolCallAnswer(7, 'get_weather', { type: 'object', properties });
  const args = JSON.parse(texts.slice(toolCall!.argumentsStart, toolCall!.argumentsEnd).join('')) as Record<string, unknown>;
  t.match(args, { city: String, days: Number, unit: /^[CF]$/, exact: Boolean, tags: [String] });
  t.end();
});
