import { test } from 'tap';
import type { LabFacts } from '../../../bench/lab/exchange.ts';
import { allBlocks, countedBlocks, freshBlocks, recentBlocks } from '../../../bench/lab/rivals/memories.ts';
import { KeyTimes, RecentKeys } from '../../../bench/lab/rivals/recent-keys.ts';
import type { Peer } from '../../../bench/lab/rivals/rival-router.ts';
import { seededRandom } from '../../../src/core/random.ts';

const peers: Peer[] = [0, 1].map((at) => ({ at, id: String(at), up: true, inFlight: 0, queuedTokens: 0, promptTokens: 0, waiting: 0, kvUsage: 0 }));
const [one, other] = peers as [Peer, Peer];

/** What memories look at of a prompt of whole blocks. */
function prompt(...keys: readonly number[]): LabFacts {
  return { keys: Float64Array.from(keys), promptTokens: 16 * keys.length } as unknown as LabFacts;
}

test('a counted walk goes on over blocks that one endpoint lacks, up to the first that nobody holds', (t) => {
  const memory = countedBlocks(1, 3);
  memory.sent(prompt(1, 2, 3), one);
  memory.sent(prompt(9), one);
  memory.sent(prompt(1), other);
  t.same(memory.matchedTokens(prompt(1, 2, 3), peers), [32, 16], 'one lost its first block and holds the two behind it');
  t.same(memory.matchedTokens(prompt(1, 8, 3), peers), [0, 16], 'nobody holds the second');
  t.same(memory.matchedTokens(prompt(1, 2, 3), [one]), [0], 'and nobody the first when the other is gone');
  t.end();
});

test('a recent list loses the ends of prompts first, and holds beginnings', (t) => {
  const memory = recentBlocks(3);
  memory.sent(prompt(1, 2, 3), one);
  memory.sent(prompt(9), one);
  t.same(memory.matchedTokens(prompt(1, 2, 3), peers), [32, 0]);
  t.end();
});

test('blocks of four of the engine\'s are held whole', (t) => {
  for (const memory of [countedBlocks(4, 100), allBlocks(4)]) {
    memory.sent(prompt(1, 2, 3, 4, 5, 6, 7, 8), one);
    t.same(memory.matchedTokens(prompt(1, 2, 3, 4, 5, 6, 7, 88, 9), peers), [64, 0]);
  }
  t.end();
});

test('what was sent too long ago is not held', (t) => {
  let nowMs = 0;
  const memory = freshBlocks(120, () => nowMs);
  memory.sent(prompt(1, 2), one);
  nowMs = 60_000;
  memory.sent(prompt(1), one);
  nowMs = 120_000;
  t.same(memory.matchedTokens(prompt(1, 2), peers), [32, 0]);
  nowMs = 120_001;
  t.same(memory.matchedTokens(prompt(1, 2), peers), [16, 0]);
  t.end();
});

test('recent keys are those of a naive list, whatever is used', (t) => {
  const random = seededRandom(11);
  const keys = new RecentKeys(50);
  let naive: number[] = [];
  for (let turn = 0; turn < 20_000; turn++) {
    const key = 1e15 + Math.floor(random() ** 2 * 200);
    keys.use(key);
    naive = [...naive.filter((each) => each !== key), key].slice(-50);
    if (turn % 100 !== 0) continue;
    const held = new Set(naive);
    for (let at = 0; at < 200; at++) if (keys.has(1e15 + at) !== held.has(1e15 + at)) t.fail(`key ${at} after ${turn} uses`);
  }
  t.pass();
  t.end();
});

test('every key keeps its last time, however many there are', (t) => {
  const random = seededRandom(12);
  const times = new KeyTimes();
  const naive = new Map<number, number>();
  for (let turn = 0; turn < 20_000; turn++) {
    const key = Math.floor(random() * 10_000) * 1e9;
    times.note(key, turn);
    naive.set(key, turn);
  }
  for (const [key, time] of naive) if (times.get(key) !== time) t.fail(`key ${key}`);
  t.ok(Number.isNaN(times.get(-1)));
  t.end();
});
