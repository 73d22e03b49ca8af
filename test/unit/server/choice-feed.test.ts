import { test } from 'tap';
import type { Choice } from '../../../src/core/choice.ts';
import { ChoiceFeed } from '../../../src/server/choice-feed.ts';
import { choiceOf } from '../../support/stub-admin.ts';

function feedOf(made: (Choice | undefined)[]): ChoiceFeed {
  const choices = {
    get latest() {
      return made.length;
    },
    read: (seq: number) => made[seq - 1],
    isOver: (seq: number) => made[seq - 1]?.outcome !== 'running',
  };
  return new ChoiceFeed({ choices, clock: () => 0, shown: ({ seq }) => ({ seq }), eachTick: 2, greetedWith: 2 });
}

function told(text: string): string[] {
  return text.split('\n\n').filter((block) => block !== '').map((block) => block.replace(/^event: (\w+)\ndata: \{("\w+":\d+).*$/, '$1 $2'));
}

test('of more choices than are told the newest are, and how many were not', (t) => {
  const made: Choice[] = [];
  const feed = feedOf(made);
  feed.begin();
  for (let seq = 1; seq <= 5; seq += 1) made.push(choiceOf(seq, 1));
  t.same(told(feed.tick()), ['skipped "choices":3', 'choice "seq":4', 'choice "seq":5']);
  t.same(told(feed.greeting()), ['choice "seq":4', 'choice "seq":5']);
  t.end();
});

test('of each choice that was told the end is told once, or that it is forgotten', (t) => {
  const made: (Choice | undefined)[] = [];
  const feed = feedOf(made);
  feed.begin();
  made.push(choiceOf(1, 1), choiceOf(2, 1));
  t.same(told(feed.tick()), ['choice "seq":1', 'choice "seq":2']);
  t.same(told(feed.tick()), []);
  made[0] = { ...choiceOf(1, 1), outcome: 'complete' };
  made[1] = undefined;
  t.same(told(feed.tick()), ['ended "seq":1', 'forgotten "seq":2']);
  t.same(told(feed.tick()), []);
  t.end();
});
