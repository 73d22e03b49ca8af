// account.test.ts: what the end of an attempt teaches, and what it does not.

import { test } from 'tap';
import type { Usage } from '../../../src/core/dispatcher.ts';
import type { GenerationFacts } from '../../../src/core/request.ts';
import { createHouse, type House } from './house.ts';

const SAMPLE = { atMs: 0, running: 0, waiting: 0, kvUsage: 0, blockSize: 16, capacityTokens: undefined, prefixCaching: true, prefixQueriesTotal: undefined, prefixHitsTotal: undefined, asleep: false, stepsTotal: undefined, processStartS: 1 };
const LONG = 'All happy families are alike; each unhappy family is unhappy in its own way. '.repeat(40);

/** Sends a request and ends it with this usage; gives what was predicted. */
function serve(house: House, facts: GenerationFacts, usage?: Partial<Usage>, listener = 'prefix') {
  const assigned = house.dispatcher.assign({ facts, listener, excluded: [] });
  if (assigned.kind === 'refused') throw new Error(assigned.message);
  house.nowMs += 10;
  house.dispatcher.firstToken(assigned.attempt);
  house.nowMs += 100;
  const whole = usage === undefined ? undefined : { promptTokens: 800, completionTokens: 10, cachedTokens: undefined, ...usage };
  house.dispatcher.finish(assigned.attempt, { kind: 'complete', usage: whole, responseId: undefined });
  return assigned;
}

test('what an endpoint holds is counted in the tokens of its engine, once an answer told them', async (t) => {
  const house = createHouse({ endpoints: 1 });
  serve(house, house.chat([LONG]), { promptTokens: 1500, completionTokens: 400 });
  // Of 1900 tokens the last was never computed with, and of the others whole blocks of 16 are kept.
  t.ok(Math.abs(house.status(0).index.tokens - 1888) <= 2);
  // An answer of few tokens in many bytes, which estimates by bytes would count several times.
  serve(house, house.chat([LONG, LONG, 'go on']), { promptTokens: 1910, completionTokens: 90 });
  t.ok(Math.abs(house.status(0).index.tokens - 1984) <= 2);
});

test('an answer that does not fill a block with the end of its prompt takes no room', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const facts = house.chat([LONG]);
  serve(house, facts, { promptTokens: 1504, completionTokens: 16 });
  t.equal(house.status(0).index.blocks, facts.prompts[0]!.length);
  serve(house, facts, { promptTokens: 1504, completionTokens: 17 });
  t.equal(house.status(0).index.blocks, facts.prompts[0]!.length + 1);
});

test('requests under way are recorded while there is memory for their blocks, and what is recorded afterwards is found', async (t) => {
  const house = createHouse({ endpoints: 1, pool: { inFlightMax: 1000 } });
  house.endpoint(0).noteSample({ ...SAMPLE, capacityTokens: 4_000 });
  const assign = (facts: GenerationFacts) => {
    const assigned = house.dispatcher.assign({ facts, listener: 'prefix', excluded: [] });
    if (assigned.kind === 'refused') throw new Error(assigned.message);
    return assigned.attempt;
  };
  const attempts = Array.from({ length: 100 }, (_, i) => assign(house.chat([], { messages: [i, ...Array<number>(8_200).fill(1)] })));
  const { blocks, bytes } = house.status(0).index;
  t.ok(blocks > 4 * 65_536 - 16_384 && blocks <= 4 * 65_536, `${blocks} blocks`);
  t.ok(bytes <= 4 * 65_536 * 62, `${bytes} bytes`);
  for (const attempt of attempts) house.dispatcher.finish(attempt, { kind: 'rejected', status: 400, because: 'other' });
  t.match(house.status(0), { inFlight: 0, queuedPromptTokens: 0, index: { blocks: 0, tokens: 0 } });
  serve(house, house.chat([LONG]), { promptTokens: 1000 });
  t.ok(serve(house, house.chat([LONG]), { promptTokens: 1000 }).predictedCachedTokens > 900);
});

test('the next prompt that begins alike is predicted from what the engine counted', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const guessed = serve(house, house.chat([LONG]), { promptTokens: 1000 }).promptTokens;
  t.ok(guessed < 800);
  const { promptTokens, predictedCachedTokens } = serve(house, house.chat([LONG, 'yes', 'and then?']), { promptTokens: 1020 });
  t.ok(promptTokens > 1000, `${promptTokens} tokens`);
  t.ok(Math.abs(predictedCachedTokens - 1000) <= 32, `${predictedCachedTokens} predicted`);
});

test('reported tokens are summed whether or not they were predicted well', async (t) => {
  const house = createHouse({ endpoints: 1 });
  serve(house, house.chat([LONG]), { cachedTokens: 0 });
  const { predictedCachedTokens } = serve(house, house.chat([LONG]), { cachedTokens: 16 });
  t.match(house.status(0).reported, { answers: 2, cachedTokens: 16, predictedCachedTokens, errorTokens: predictedCachedTokens - 16 });
});

test('usage without cached tokens is no report', async (t) => {
  const house = createHouse({ endpoints: 1 });
  serve(house, house.chat([LONG]), {});
  serve(house, house.chat([LONG]));
  t.match(house.status(0).reported, { answers: 0, promptTokens: 0 });
});

test('a request that says nothing about the cache is no report, and no count of tokens', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const facts = { ...house.chat([LONG]), teaches: false };
  const before = serve(house, facts, { promptTokens: 4000, cachedTokens: 0 }).promptTokens;
  t.equal(serve(house, house.chat([LONG])).promptTokens, before);
  t.match(house.status(0).reported, { answers: 0 });
});

test('misses on what was forgotten since the dispatch teach nothing', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const conversations = ['a', 'b', 'c', 'd'].map((name) => house.chat([name + LONG]));
  for (const facts of conversations) serve(house, facts, { cachedTokens: 0 });
  const attempts = conversations.map((facts) => house.dispatcher.assign({ facts, listener: 'prefix', excluded: [] }));
  const broken = house.dispatcher.assign({ facts: house.chat(['x']), listener: 'prefix', excluded: [] });
  if (broken.kind === 'refused') throw new Error(broken.message);
  house.dispatcher.firstToken(broken.attempt);
  house.dispatcher.finish(broken.attempt, { kind: 'reset', stale: false });
  const { capacityTokens } = house.status(0).index;
  for (const assigned of attempts) {
    if (assigned.kind === 'refused') throw new Error(assigned.message);
    house.dispatcher.finish(assigned.attempt, { kind: 'complete', usage: { promptTokens: 800, completionTokens: 1, cachedTokens: 0 }, responseId: undefined });
  }
  t.match(house.status(0).index, { forgets: 1, corrections: 0, capacityTokens });
});

test('an answer that is not found when it comes back, four times, no longer counts as held', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const predicted: number[] = [];
  for (let i = 0; i < 6; i++) {
    serve(house, house.chat([i + LONG]), { promptTokens: 800, completionTokens: 400, cachedTokens: 0 });
    predicted.push(serve(house, house.chat([i + LONG, LONG.slice(0, 1200), 'and then?']), { promptTokens: 1220, cachedTokens: 800 }).predictedCachedTokens);
  }
  t.ok(predicted[0]! > 1100, `${predicted[0]} at first`);
  t.ok(predicted[5]! < 900, `${predicted[5]} at last`);
});

/** Prompts that have nothing in common. */
const NAMES = ['Dolly', 'Stiva', 'Kitty', 'Levin', 'Anna'] as const;

/** An endpoint that has served all of them. */
function wellRead(): House & { readonly about: (name: string) => GenerationFacts } {
  const house = createHouse({ endpoints: 1 });
  const about = (name: string): GenerationFacts => house.chat([`${name}. ${LONG}`]);
  for (const name of NAMES) serve(house, about(name), { cachedTokens: 0 });
  return Object.assign(house, { about });
}

function dispatch(house: House, facts: GenerationFacts, listener = 'prefix') {
  house.nowMs += 1;
  const assigned = house.dispatcher.assign({ facts, listener, excluded: [] });
  if (assigned.kind === 'refused') throw new Error(assigned.message);
  house.nowMs += 1;
  house.dispatcher.firstToken(assigned.attempt);
  return assigned;
}

function end(house: House, attempt: number, cachedTokens: number): void {
  house.nowMs += 100;
  house.dispatcher.finish(attempt, { kind: 'complete', usage: { promptTokens: 800, completionTokens: 10, cachedTokens }, responseId: undefined });
}

test('after an answer that found less than was held, two requests are predicted by what is held, until something old is found again', async (t) => {
  const house = wellRead();
  const predicted = (name: string) => dispatch(house, house.about(name)).predictedCachedTokens > 700;
  end(house, dispatch(house, house.about('Anna')).attempt, 0);
  t.same([predicted('Anna'), predicted('new'), predicted('Dolly')], [true, false, true], 'Anna came back, and of what is new nothing is held: neither counts');
  t.equal(predicted('Stiva'), true);
  const { attempt, predictedCachedTokens } = dispatch(house, house.about('Kitty'));
  t.same([predictedCachedTokens, predicted('Levin')], [0, false]);
  end(house, attempt, 784);
  t.equal(predicted('Levin'), true, 'whatever was predicted, it was found');
});

test('what was served before an answer that found nothing was dispatched is not certain when it ends', async (t) => {
  const house = wellRead();
  const before = dispatch(house, house.about('Kitty')).attempt;
  end(house, dispatch(house, house.about('Anna')).attempt, 0);
  for (const name of ['Dolly', 'Stiva']) dispatch(house, house.about(name));
  end(house, before, 784);
  const predicted = (name: string) => dispatch(house, house.about(name)).predictedCachedTokens > 700;
  t.same([predicted('Anna'), predicted('Kitty')], [true, false]);
});

test('what came since is not in doubt, and neither is its answer, however long nothing is reported', async (t) => {
  const house = wellRead();
  end(house, dispatch(house, house.about('Anna')).attempt, 0);
  const question = `Oblonsky. ${LONG}`;
  serve(house, house.chat([question]), { promptTokens: 800, completionTokens: 400 });
  for (let turn = 0; turn < 3; turn++) {
    const { predictedCachedTokens } = dispatch(house, house.chat([question, LONG, `go on ${turn}`]));
    t.ok(predictedCachedTokens > 1100, `${predictedCachedTokens}`);
  }
  const predicted = (name: string) => dispatch(house, house.about(name)).predictedCachedTokens > 700;
  t.same(['Dolly', 'Stiva', 'Levin'].map(predicted), [true, true, false]);
});

test('an answer of before is in doubt, where its prompt is not any more', async (t) => {
  const house = wellRead();
  const question = `Oblonsky. ${LONG}`;
  const before = dispatch(house, house.chat([question])).attempt;
  end(house, dispatch(house, house.about('Anna')).attempt, 0);
  house.dispatcher.finish(before, { kind: 'complete', usage: { promptTokens: 800, completionTokens: 400, cachedTokens: 0 }, responseId: undefined });
  dispatch(house, house.chat([question]));
  for (const name of ['Dolly', 'Stiva']) dispatch(house, house.about(name));
  const { predictedCachedTokens } = dispatch(house, house.chat([question, LONG, 'go on']));
  t.equal(Math.round(predictedCachedTokens / 100), 8);
});

test('requests that are not recorded are predicted by what is in doubt no oftener', async (t) => {
  const house = wellRead();
  end(house, dispatch(house, house.about('Anna')).attempt, 0);
  const predicted = (name: string, listener: string) => dispatch(house, house.about(name), listener).predictedCachedTokens > 700;
  t.same(['Dolly', 'Stiva', 'Kitty'].map((name) => predicted(name, 'silent')), [true, true, false]);
  t.equal(predicted('Levin', 'prefix'), false);
});

test('when answers tell that the cache was emptied, what was computed since stays, and what requests of before have computed does not', async (t) => {
  const house = wellRead();
  house.endpoint(0).noteSample({ ...SAMPLE, capacityTokens: 20_000 });
  const question = (name: string) => house.chat([`${name}. ${LONG}`]);
  for (const name of NAMES) serve(house, house.about(name), { cachedTokens: 784 });
  for (const name of ['Vronsky', 'Varya', 'Betsy']) serve(house, question(name), { cachedTokens: 0 });
  serve(house, house.about('Dolly'), { cachedTokens: 784 });
  const before = dispatch(house, question('before')).attempt;
  const [first, second] = [dispatch(house, question('Betsy')).attempt, dispatch(house, question('Varya')).attempt];
  const running = dispatch(house, question('running')).attempt;
  end(house, first, 0);
  end(house, dispatch(house, question('since')).attempt, 0);
  end(house, second, 0);
  t.equal(house.status(0).index.forgets, 1);
  for (const attempt of [before, running]) end(house, attempt, 0);
  const predicted = (name: string) => dispatch(house, question(name)).predictedCachedTokens > 700;
  t.same(['since', 'running', 'before', 'Levin', 'Dolly'].map(predicted), [true, true, false, false, false]);
  t.equal(house.status(0).index.forgets, 1);
});

test('what requests under way have in use is certain where they were dispatched after the one that found nothing', async (t) => {
  const house = wellRead();
  dispatch(house, house.about('Levin'));
  const { attempt } = dispatch(house, house.about('Anna'));
  dispatch(house, house.about('Kitty'));
  end(house, attempt, 0);
  const predicted = (name: string) => dispatch(house, house.about(name)).predictedCachedTokens > 700;
  t.same(['Dolly', 'Stiva'].map(predicted), [true, true], 'as much as may be in doubt');
  t.same(['Kitty', 'Levin'].map(predicted), [true, false]);
});

test('a request that missed what was lost was served since, whatever was known when it ended, and so was what came after it', async (t) => {
  const house = wellRead();
  const question = (name: string) => house.chat([`${name}. ${LONG}`]);
  for (let i = 0; i < 12; i += 1) serve(house, question(`other ${i}`), { cachedTokens: 0 });
  // So far back the cache is known to reach.
  for (const name of NAMES) serve(house, house.about(name), { cachedTokens: 784 });
  const before = dispatch(house, question('before')).attempt;
  const [missing, after] = [dispatch(house, house.about('Kitty')).attempt, dispatch(house, question('after')).attempt];
  const [first, second] = [dispatch(house, house.about('Levin')).attempt, dispatch(house, house.about('Stiva')).attempt];
  end(house, first, 0);
  end(house, second, 0);
  t.equal(house.status(0).index.forgets, 1);
  for (const attempt of [missing, after, before]) end(house, attempt, 0);
  const predicted = (facts: GenerationFacts) => dispatch(house, facts).predictedCachedTokens > 700;
  t.same([house.about('Kitty'), question('after'), question('before'), house.about('Dolly')].map(predicted), [true, true, false, false]);
});
