import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { mock } from 'node:test';
import { test, type Test } from 'tap';
import { EventStream, TICK_MS } from '../../../src/server/event-stream.ts';

class Listener extends EventEmitter {
  writableLength = 0;
  readonly written: string[] = [];
  isDestroyed = false;
  writeHead(): void {}
  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
  write(text: string): void {
    this.written.push(text);
  }
}

interface Stage {
  readonly asked: string[];
  readonly stream: EventStream;
  come(): Listener;
}

function stage(t: Test): Stage {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  const asked: string[] = [];
  const stream = new EventStream({
    begin: () => void asked.push('begin'),
    greeting: () => 'event: greeting\n\n',
    tick: () => {
      asked.push('tick');
      return 'event: tick\n\n';
    },
    end: () => void asked.push('end'),
  });
  const come = (): Listener => {
    const listener = new Listener();
    stream.add(listener as unknown as ServerResponse);
    return listener;
  };
  return { asked, stream, come };
}

test('nothing is asked for before somebody listens, nor after the last one left', (t) => {
  const { asked, come } = stage(t);
  mock.timers.tick(10 * TICK_MS);
  t.same(asked, []);
  const [first, second] = [come(), come()];
  mock.timers.tick(2 * TICK_MS);
  t.same(asked, ['begin', 'tick', 'tick'], 'for both at once');
  for (const { written } of [first, second]) t.same(written, ['retry: 1000\n\nevent: greeting\n\n', 'event: tick\n\n', 'event: tick\n\n']);
  first.emit('close');
  mock.timers.tick(TICK_MS);
  second.emit('close');
  t.same(asked.splice(0), ['begin', 'tick', 'tick', 'tick', 'end']);
  mock.timers.tick(100 * TICK_MS);
  t.same(asked, []);
  come();
  mock.timers.tick(TICK_MS);
  t.same(asked, ['begin', 'tick']);
  t.end();
});

test('who does not read is let go', (t) => {
  const { come } = stage(t);
  const [slow, quick] = [come(), come()];
  slow.writableLength = 2 ** 20;
  mock.timers.tick(TICK_MS);
  t.same([slow.written.length, quick.written.length], [1, 2]);
  t.same([slow.isDestroyed, quick.isDestroyed], [true, false]);
  mock.timers.tick(TICK_MS);
  t.same([slow.written.length, quick.written.length], [1, 3]);
  t.end();
});
