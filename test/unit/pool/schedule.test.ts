// schedule.test.ts: when a repeated task runs.

import { test } from 'tap';
import { repeat, timers } from '../../../src/pool/schedule.ts';
import { virtualTime } from './fixture.ts';

test('intervals are counted from when the task began, and a task that takes longer runs again at once', async (t) => {
  for (const [takesMs, starts] of [[300, [5, 1005, 2005]], [1500, [5, 1505, 3005]]] as const) {
    const time = virtualTime();
    const started: number[] = [];
    const task = () => {
      started.push(time.clock());
      return new Promise<number>((resolve) => time.schedule(takesMs, () => resolve(1000)));
    };
    repeat(task, 5, time);
    await time.advanceSettled(4000);
    t.same(started.slice(0, 3), starts);
  }
});

test('intervals differ by a tenth at most', async (t) => {
  for (const [chance, secondMs] of [[0, 900], [0.5, 1000], [0.999_999, 1100]] as const) {
    const time = virtualTime();
    const started: number[] = [];
    repeat(async () => (started.push(time.clock()), 1000), 0, { ...time, random: () => chance });
    await time.advanceSettled(1500);
    t.equal(Math.round(started[1] ?? 0), secondMs);
  }
});

test('a task that is hurried runs sooner, never later, and not twice at once', async (t) => {
  const time = virtualTime();
  const started: number[] = [];
  const pending: (() => void)[] = [];
  const tasks = repeat(() => new Promise((resolve) => (started.push(time.clock()), pending.push(() => resolve(1000)))), 0, time);
  await time.advanceSettled(0);
  tasks.hurry(10);
  await time.advanceSettled(300);
  t.same(started, [0], 'it runs still');
  pending.shift()?.();
  await time.advanceSettled(100);
  tasks.hurry(800);
  tasks.hurry(200);
  await time.advanceSettled(1000);
  t.same(started, [0, 600], 'the first hurry would have been later than the interval');
  pending.shift()?.();
  await time.advanceSettled(0);
  tasks.end();
  tasks.hurry(1);
  t.equal(time.pending(), 0);
});

test('a task that was under way at the end is not run again, and leaves no timer', async (t) => {
  const time = virtualTime();
  const pending: ((intervalMs: number) => void)[] = [];
  const tasks = repeat(() => new Promise((resolve) => pending.push(resolve)), 0, time);
  await time.advanceSettled(0);
  tasks.end();
  pending[0]?.(1000);
  await time.advanceSettled(0);
  t.equal(time.pending(), 0);
});

test('a real timer can be cancelled, and keeps no process alive', async (t) => {
  const cancel = timers(0, () => t.fail('it was cancelled'));
  cancel();
  const handles = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const other = timers(60_000, () => {});
  t.teardown(other);
  t.equal(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length, handles);
});
