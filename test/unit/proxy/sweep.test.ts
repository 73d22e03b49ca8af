import { EventEmitter, once } from 'node:events';
import { test } from 'tap';
import { Sweep } from '../../../src/proxy/sweep.ts';

test('what comes after hours without anything counts from its own beginning', async (t) => {
  let nowMs = 0;
  const sweep = new Sweep(() => nowMs, 100);
  const member = { sweepIndex: -1, sweep() {} };
  t.equal(sweep.add(member), 0);
  sweep.delete(member);
  nowMs = 7_200_000;
  t.equal(sweep.add(member), 7_200_000);
  sweep.delete(member);
});

test('each member is swept with the time of the tick until it is deleted', async (t) => {
  const seen = new EventEmitter();
  const sweep = new Sweep(() => 42, 100);
  const member = { sweepIndex: -1, sweep: (nowMs: number) => seen.emit('swept', nowMs) };
  sweep.add(member);
  const keepAlive = setInterval(() => {}, 1000);
  const [nowMs] = await once(seen, 'swept');
  clearInterval(keepAlive);
  t.equal(nowMs, 42);
  sweep.delete(member);
  t.equal(seen.listenerCount('swept'), 0);
});
