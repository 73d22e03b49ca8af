// conversations.test.ts: who asks what, and when, in a quiet run.

import { test } from 'tap';
import { opening, question, tokensOfAll, turnsOf } from '../../../bench/quiet/conversations.ts';
import { renderChat } from '../../../bench/simulator/text/chat-template.ts';

const shape = { users: 6, rounds: 3, systemTokens: 80, contextTokens: 50, questionTokens: 10, answerTokens: 20 };

test('each user asks once a round, in another order each round and with each seed', (t) => {
  const turns = turnsOf(shape, 1);
  const rounds = [0, 1, 2].map((round) => turns.slice(6 * round, 6 * (round + 1)));
  for (const round of rounds) t.strictSame(round.toSorted(), [0, 1, 2, 3, 4, 5]);
  t.not(String(rounds[0]), String(rounds[1]));
  t.not(String(turns), String(turnsOf(shape, 2)));
  t.end();
});

test('all share the system prompt and nothing else', (t) => {
  const [system, first] = opening(shape, 1, 0);
  const [sameSystem, otherFirst] = opening(shape, 1, 1);
  t.strictSame(system, sameSystem);
  t.not(first?.content.slice(0, 20), otherFirst?.content.slice(0, 20));
  t.not(question(shape, 1, 0, 2), question(shape, 1, 0, 3));
  t.end();
});

test('what all need is what the simulator counts, within two per cent', (t) => {
  const longer = { ...shape, contextTokens: 500 };
  const user = [...opening(longer, 1, 0)];
  for (const round of [2, 3]) user.push({ role: 'assistant', content: question(longer, 9, 0, round).repeat(2) }, { role: 'user', content: question(longer, 1, 0, round) });
  const conversation = renderChat({ messages: user.map((message) => ({ ...message })) }).length + longer.answerTokens;
  const counted = longer.systemTokens + longer.users * (conversation - longer.systemTokens);
  t.ok(Math.abs(tokensOfAll(longer) / counted - 1) < 0.02, `${tokensOfAll(longer)} and ${counted}`);
  t.end();
});
