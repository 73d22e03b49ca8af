import { test } from 'tap';
import { PromptWriter, type Role, type Segment } from '../../../bench/lab/prompt-writer.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { createPromptReader } from '../../../src/prompt/read.ts';

const reader = createPromptReader({ secret: new Uint8Array(32) });

function read(messages: readonly { role: Role; content: string }[]) {
  return reader.read('chat', new TextEncoder().encode(JSON.stringify({ model: 'm', messages })));
}

test('a prompt without text is cut where the reader cuts one with as many bytes', (t) => {
  const random = seededRandom(7);
  for (let round = 0; round < 40; round++) {
    const writer = new PromptWriter(4);
    const messages = Array.from({ length: 1 + Math.floor(random() * 8) }, (_, at) => {
      const role: Role = at === 0 ? 'system' : at % 2 === 1 ? 'user' : 'assistant';
      const tokens = 3 + Math.floor(10 ** (1 + random() * 3.5));
      const first = Math.floor(tokens * random());
      writer.message(role, [{ id: at, tokens: first }, { id: 100 + at, tokens: tokens - first }]);
      return { role, content: 'x'.repeat(4 * tokens - role.length) };
    });
    const facts = read(messages);
    const chain = writer.chain();
    const [real] = facts.prompts;
    t.same(chain.ends.slice(0, chain.length), real.ends.slice(0, real.length));
    t.same(chain.marks.slice(0, chain.length), real.marks.slice(0, real.length));
    t.equal(writer.openingBlocks, facts.openingBlocks);
  }
  t.end();
});

test('two prompts share blocks and keys up to where their content parts, on both sides', (t) => {
  const shared: Segment = { id: 1, tokens: 1000 };
  const write = (id: number) => new PromptWriter(4).message('system', [shared]).message('user', [{ id: 2, tokens: 500 }, { id, tokens: 500 }]);
  const [a, b] = [write(3), write(4)];
  let keys = 0;
  while (a.keys()[keys] === b.keys()[keys]) keys += 1;
  t.equal(keys, Math.floor(1500 / 16));
  const [one, other] = [a.chain(), b.chain()];
  let blocks = 0;
  while (one.hashes[2 * blocks] === other.hashes[2 * blocks]) blocks += 1;
  t.ok(one.ends[blocks - 1]! <= 6000);
  t.ok(one.ends[blocks]! > 6000);
  t.equal(new Set(a.keys()).size, a.keys().length);
  t.end();
});

test('what was taken from a conversation stays as it was while the conversation grows', (t) => {
  const writer = new PromptWriter(4).message('user', [{ id: 1, tokens: 777 }]);
  const chain = writer.chain();
  const keys = writer.keys();
  const before = [chain.length, chain.ends[chain.length - 1], ...keys];
  writer.message('assistant', [{ id: 2, tokens: 5000 }]);
  t.same([chain.length, chain.ends[chain.length - 1], ...keys], before);
  t.same([...writer.keys().subarray(0, keys.length)], [...keys]);
  t.end();
});
