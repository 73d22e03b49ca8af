// token-fit.test.ts: tokens from bytes and messages, learned from what engines counted.

import * as fc from 'fast-check';
import { test } from 'tap';
import { type Chain, MESSAGE_END } from '../../../src/core/chain.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { fitTokenEnds, TokenFit } from '../../../src/dispatch/token-fit.ts';

/** A chain of messages of so many bytes, a block each. */
function chainOf(messages: readonly number[]): Chain {
  let end = 0;
  return {
    length: messages.length,
    hashes: [],
    ends: messages.map((bytes) => (end += bytes)),
    marks: messages.map(() => MESSAGE_END),
  };
}

function ends(chain: Chain, fit: TokenFit, known: Readonly<Record<number, number>> = {}) {
  const tokenEnds = chain.ends.map(() => 0);
  for (const [i, tokens] of Object.entries(known)) tokenEnds[Number(i)] = tokens;
  const counted = fit.fill(chain, tokenEnds);
  return { counted, tokenEnds };
}

for (const [bytesPerToken, messageTokens, seed] of [[3.1, 5, 1], [4, 0, 2], [5, 9, 3], [1.5, 20, 4]] as const) {
  test(`${bytesPerToken} bytes a token and ${messageTokens} tokens a message are found in prompts that differ by 5 %`, async (t) => {
    const random = seededRandom(seed);
    const fit = new TokenFit(4);
    for (let i = 0; i < 2_000; i++) {
      const messages = Array.from({ length: 1 + Math.floor(12 * random()) }, () => Math.floor(50 + 4_000 * random() ** 3));
      const chain = chainOf(messages);
      const bytes = messages.reduce((sum, each) => sum + each, 0);
      fit.learn(chain, Math.round((bytes / bytesPerToken) * (0.95 + 0.1 * random()) + messages.length * messageTokens + 12));
    }
    const measured = 1 / fit.tokensPerByte;
    t.ok(Math.abs(measured / bytesPerToken - 1) < 0.02, `${measured} bytes a token`);
    // Together they make the prediction: ten messages of 400 bytes.
    const predicted = ends(chainOf(Array<number>(10).fill(400)), fit).tokenEnds.at(-1)!;
    const exact = 4_000 / bytesPerToken + 10 * messageTokens;
    t.ok(Math.abs(predicted / exact - 1) < 0.02, `${predicted} instead of ${exact} tokens`);
  });
}

for (const messages of [1, 2, 3]) {
  test(`tokens a byte stay right over 20,000 prompts of ${messages} messages each, which never tell messages from the rest`, async (t) => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const fit = new TokenFit(4);
      let worst = 1;
      for (let i = 0; i < 20_000; i++) {
        const sizes = Array.from({ length: messages }, () => Math.floor((500 + 8_000 * random()) / messages));
        const bytes = sizes.reduce((sum, each) => sum + each, 0);
        fit.learn(chainOf(sizes), Math.round((bytes / 4) * (0.95 + 0.1 * random()) + 14));
        if (i > 100) worst = Math.max(worst, fit.tokensPerByte * 4, 1 / (fit.tokensPerByte * 4));
      }
      t.ok(worst < 1.15, `seed ${seed}: off by a factor of ${worst}`);
    }
  });
}

test('before anything was learned, bytes count as configured and a message as four tokens', async (t) => {
  t.same(ends(chainOf([400, 40]), new TokenFit(4)).tokenEnds, [104, 118]);
});

test('a model whose tokens change is followed within some hundred prompts', async (t) => {
  const random = seededRandom(7);
  const fit = new TokenFit(4);
  const learn = (bytesPerToken: number, prompts: number) => {
    for (let i = 0; i < prompts; i++) {
      const bytes = Math.floor(200 + 8_000 * random());
      fit.learn(chainOf([bytes]), bytes / bytesPerToken + 4);
    }
  };
  learn(4, 1_000);
  learn(3, 1_000);
  t.ok(Math.abs(1 / fit.tokensPerByte / 3 - 1) < 0.1, `${1 / fit.tokensPerByte} bytes a token`);
});

test('whatever engines count, the fit stays within its bounds', async () => {
  const prompt = fc.record({ messages: fc.array(fc.nat(1_000_000), { maxLength: 20 }), tokens: fc.oneof(fc.nat(100), fc.nat(10_000_000)) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.array(prompt, { maxLength: 200 }), (bytesPerToken, prompts) => {
      const fit = new TokenFit(bytesPerToken);
      for (const { messages, tokens } of prompts) {
        fit.learn(chainOf(messages), tokens);
        const { tokensPerByte, messageTokens } = fit;
        if (!(tokensPerByte >= 1 / 16 && tokensPerByte <= 2)) throw new Error(`${tokensPerByte} tokens a byte`);
        if (!(messageTokens >= 0 && messageTokens <= 64)) throw new Error(`${messageTokens} tokens a message`);
      }
    }),
    { numRuns: 200 },
  );
});

test('ten thousand equal prompts leave the fit able to learn something else', async (t) => {
  const fit = new TokenFit(4);
  for (let i = 0; i < 10_000; i++) fit.learn(chainOf([1_000]), 254);
  t.ok(Math.abs(ends(chainOf([1_000]), fit).tokenEnds[0]! / 254 - 1) < 0.1);
  for (let i = 0; i < 1_000; i++) fit.learn(chainOf([2_000 + i, 300]), (2_300 + i) / 3 + 8);
  const [, tokens] = ends(chainOf([2_500, 300]), fit).tokenEnds;
  t.ok(Math.abs(tokens! / (2_800 / 3 + 8) - 1) < 0.15, `${tokens} tokens`);
});

test('what an engine counted stands, and what follows is counted from there', async (t) => {
  const { counted, tokenEnds } = ends(chainOf([400, 40, 40]), new TokenFit(4), { 1: 200 });
  t.equal(counted, 2);
  t.same(tokenEnds.map(Math.round), [176, 200, 214], 'and what comes before is fitted to it');
});

test('ends never fall, though one count lies below another before it', async (t) => {
  const { tokenEnds } = ends(chainOf([400, 40, 40]), new TokenFit(4), { 0: 104, 1: 90 });
  t.same(tokenEnds, [104, 104, 118]);
});

test('estimated ends are stretched to what the engine counted', async (t) => {
  const tokenEnds = [100, 150, 200];
  fitTokenEnds(tokenEnds, 1, 2, 300);
  t.same(tokenEnds, [100, 200, 300]);
  fitTokenEnds(tokenEnds, 0, 2, 150);
  t.same(tokenEnds, [50, 100, 150], 'shrunk as well');
});

test('a count that cannot be right changes nothing', async (t) => {
  for (const [counted, promptTokens, why] of [[1, 100, 'no more than what was counted before it'], [3, 500, 'all was counted already'], [1, 0, 'nothing']] as const) {
    const tokenEnds = [100, 150, 200];
    fitTokenEnds(tokenEnds, counted, 2, promptTokens);
    t.same(tokenEnds, [100, 150, 200], why);
  }
  const none: number[] = [];
  fitTokenEnds(none, 0, -1, 10);
  t.same(none, []);
});

test('a few prompts of spaces, which have hardly any tokens, do not outweigh what was learned of others', async (t) => {
  const fit = new TokenFit(4);
  for (let i = 0; i < 500; i++) {
    const [bytes, messages] = [400 + ((i * 7919) % 30_000), 1 + (i % 8)];
    fit.learnSize({ bytes, messages }, bytes / 3.6 + 5 * messages);
  }
  for (let i = 0; i < 5; i++) fit.learnSize({ bytes: 524_288, messages: 1 }, 8200);
  t.ok(Math.abs(1 / fit.tokensPerByte - 3.6) < 0.3, `${1 / fit.tokensPerByte} bytes a token`);
  t.ok(Math.abs(fit.messageTokens - 5) < 2, `${fit.messageTokens} tokens a message`);
});
