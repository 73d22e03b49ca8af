import { test } from 'tap';
import { chainBytes } from '../../../src/core/chain.ts';
import { chainOf, isSame, read, sharedBlocks, sharedBytes } from './reading.ts';

test('a text completion is one prompt without a role', (t) => {
  const facts = read('completions', { model: 'm', prompt: 'Once upon a time' });
  t.match(facts, { surface: 'completions', weight: 1, teaches: true, openingBlocks: 1 });
  t.equal(chainBytes(facts.prompts[0]), 16);
  t.ok(isSame(facts.prompts[0], chainOf('completions', { prompt: ['Once upon a time'] })));
  t.end();
});

test('of several prompts the longest comes first and the others keep their order', (t) => {
  const facts = read('completions', { prompt: ['ab', 'abcdef', 'abc', 'abcd'], n: 3 });
  t.strictSame(facts.prompts.map(chainBytes), [6, 2, 3, 4]);
  t.match(facts, { weight: 12, teaches: false });
  t.end();
});

test('token ids are four bytes each, and teach nothing', (t) => {
  const ids = Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 150_000);
  const facts = read('completions', { prompt: ids });
  t.equal(chainBytes(facts.prompts[0]), 200_000);
  t.equal(facts.prompts.length, 1);
  t.notOk(facts.teaches);
  const changed = ids.with(30_000, -5);
  const shared = sharedBytes(facts.prompts[0], chainOf('completions', { prompt: changed }));
  t.ok(shared <= 120_000 && shared > 120_000 - 4_096 - 4, `${shared}`);
  t.strictSame(read('completions', { prompt: [[1, 2], [3, 4, 5]] }).prompts.map(chainBytes), [12, 8]);
  t.ok(isSame(chainOf('completions', { prompt: [[1, 2]] }), chainOf('completions', { prompt: [1, 2] })));
  t.end();
});

test('the opening of a raw text is the blocks of its first KiB, so that a longer one keeps it', (t) => {
  const text = 'all work and no play '.repeat(200);
  const short = read('completions', { prompt: text.slice(0, 2_000) });
  const long = read('completions', { prompt: text });
  t.equal(short.openingBlocks, long.openingBlocks);
  t.equal(sharedBlocks(short.prompts[0], long.prompts[0]) >= long.openingBlocks, true);
  t.ok(long.prompts[0].ends[long.openingBlocks - 1]! <= 1_024 && long.prompts[0].ends[long.openingBlocks]! > 1_024);
  t.end();
});

test('embeddings are told apart, and a completion without a prompt has no blocks', (t) => {
  t.notOk(isSame(chainOf('completions', { prompt_embeds: 'AAAA' }), chainOf('completions', { prompt_embeds: 'BBBB' })));
  t.equal(read('completions', { prompt: 'a', prompt_embeds: ['AAAA', 'BBBB'] }).weight, 3);
  t.match(read('completions', {}), { openingBlocks: 0, weight: 1, teaches: false });
  t.equal(chainOf('completions', { prompt: [] }).length, 0);
  t.end();
});

test('more prompts than an engine takes are not read', (t) => {
  t.equal(read('completions', { prompt: Array.from({ length: 5_000 }, () => 'x') }).prompts.length, 1_024);
  t.end();
});
