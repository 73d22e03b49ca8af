// listeners.test.ts: ports that are opened for a configuration that does not hold yet.

import fastify from 'fastify';
import { test, type Test } from 'tap';
import { Listeners, ListenError, type Port } from '../../src/listeners.ts';
import { createLog } from '../../src/observe/log.ts';

const LIMITS = { settleMs: 0, deadlineMs: 1000 };
const port = (name: string, number = 0): Port => ({ kind: 'clients', name, host: '127.0.0.1', port: number });

function setUp(t: Test) {
  const lines: string[] = [];
  const log = createLog({ level: 'info', sampleRatio: 1, matchRatioMin: 0, random: () => 0, destination: { write: (line) => void lines.push(line) } });
  const served: string[] = [];
  const listeners = new Listeners(({ name }) => {
    const app = fastify({ forceCloseConnections: true });
    app.get('/', () => {
      served.push(name);
      return name;
    });
    return { app, update() {} };
  }, log);
  t.teardown(() => listeners.close(LIMITS, new AbortController().signal, () => {}));
  const addresses = (): (string | undefined)[] => lines.map((line) => (JSON.parse(line) as { address?: string }).address);
  return { listeners, served, addresses };
}

/** A port of its own: tests would else not know where a prepared listener listens. */
async function freePort(): Promise<number> {
  const app = fastify();
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  await app.close();
  return Number(new URL(url).port);
}

test('what comes in at a new port waits until its configuration holds', async (t) => {
  const { listeners, served, addresses } = setUp(t);
  const number = await freePort();
  const prepared = await listeners.prepare([port('a', number)]);
  t.same(listeners.urls, {});
  const early = fetch(`http://127.0.0.1:${number}/`).then((answer) => answer.text());
  const other = await listeners.prepare([port('b')]);
  listeners.switchTo(other, LIMITS);
  t.equal(await (await fetch(listeners.urls['b'] ?? '')).text(), 'b');
  t.same(served, ['b'], 'the earlier one is still waiting');
  listeners.switchTo(prepared, LIMITS);
  t.equal(await early, 'a');
  t.equal(await (await fetch(listeners.urls['a'] ?? '')).text(), 'a');
  t.equal(addresses().at(1), `http://127.0.0.1:${number}`);
});

test('what waits at a port that is abandoned is not left hanging', async (t) => {
  const { listeners, served } = setUp(t);
  const number = await freePort();
  const prepared = await listeners.prepare([port('a', number)]);
  const early = fetch(`http://127.0.0.1:${number}/`);
  const failed = early.then(() => false, () => true);
  await listeners.abandon(prepared);
  t.ok(await failed);
  t.same(served, []);
});

test('one port that cannot be opened closes those that could', async (t) => {
  const { listeners } = setUp(t);
  const [free, taken] = [await freePort(), await freePort()];
  listeners.switchTo(await listeners.prepare([port('a', taken)]), LIMITS);
  const failed = listeners.prepare([port('b', free), { ...port('c', taken), kind: 'admin' }]);
  await t.rejects(failed, new ListenError(`listener 'c' cannot listen: listen EADDRINUSE: address already in use 127.0.0.1:${taken}`));
  t.same(listeners.urls, { a: `http://127.0.0.1:${taken}` });
  await t.rejects(fetch(`http://127.0.0.1:${free}/`));
});
