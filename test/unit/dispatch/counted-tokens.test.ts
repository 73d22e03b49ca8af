// counted-tokens.test.ts: what an engine's counter of queried tokens says of the size of prompts, and when it is not believed.

import { test } from 'tap';
import { CountedTokens } from '../../../src/dispatch/counted-tokens.ts';
import { TokenFit } from '../../../src/dispatch/token-fit.ts';
import { chainBytes } from '../../../src/core/chain.ts';
import { chainOf } from '../prefix/conversation.ts';

const CHAIN = chainOf('a question about the history of railways. '.repeat(60));
const BYTES = chainBytes(CHAIN);

function house() {
  const counted = new CountedTokens();
  const fit = new TokenFit(4);
  let total = 0;
  counted.sample(total);
  const window = (tokensPerByte: number, { prompts = 20, fits = [fit] }: { prompts?: number; fits?: readonly (TokenFit | undefined)[] } = {}): void => {
    for (let i = 0; i < prompts; i++) counted.note(CHAIN, fits[i % fits.length]);
    total += prompts * BYTES * tokensPerByte;
    counted.sample(total);
  };
  return { counted, fit, window };
}

test('windows that agree teach the tokens of a byte, from the third on', async (t) => {
  const { fit, window } = house();
  for (let i = 0; i < 2; i++) window(0.4);
  t.equal(fit.tokensPerByte, 0.25);
  for (let i = 0; i < 10; i++) window(0.4);
  t.ok(Math.abs(fit.tokensPerByte / 0.4 - 1) < 0.02, `${fit.tokensPerByte}`);
});

test('windows that disagree, or say what no tokenizer does, teach nothing', async (t) => {
  const { fit, window } = house();
  for (let i = 0; i < 12; i++) window(i % 2 === 0 ? 0.3 : 0.36);
  for (const tokensPerByte of [0.1, 1.2]) for (let i = 0; i < 6; i++) window(tokensPerByte);
  t.equal(fit.tokensPerByte, 0.25);
});

test('few prompts wait for more', async (t) => {
  const { fit, window } = house();
  for (let i = 0; i < 11; i++) window(0.4, { prompts: 4 });
  t.equal(fit.tokensPerByte, 0.25);
  window(0.4, { prompts: 4 });
  t.not(fit.tokensPerByte, 0.25);
});

test('windows with prompts of two models, or whose bytes say little, teach nothing', async (t) => {
  for (const other of [new TokenFit(4), undefined]) {
    const { fit, window } = house();
    for (let i = 0; i < 6; i++) window(0.4, { fits: [fit, other] });
    t.equal(fit.tokensPerByte, 0.25);
  }
});

test('counters that began anew teach nothing of the window they began in', async (t) => {
  const { counted, fit, window } = house();
  for (let i = 0; i < 2; i++) window(0.4);
  counted.forget();
  window(0.4);
  for (let i = 0; i < 2; i++) window(0.4);
  t.equal(fit.tokensPerByte, 0.25);
  window(0.4);
  t.not(fit.tokensPerByte, 0.25);
});
