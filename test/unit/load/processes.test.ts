// processes.test.ts: programs beside a bench are heard, missed and ended.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { createProcesses } from '../../../bench/load/processes.ts';

function script(t: Test, text: string): string {
  const file = join(t.testdir(), 'program.mjs');
  writeFileSync(file, text);
  return file;
}

const idle = 'console.log(process.pid); setInterval(() => {}, 1000);';

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a program has started when its output says so, and stop ends it', async (t) => {
  const processes = createProcesses();
  const pid = await processes.start('idler', script(t, idle), [], Number);
  t.ok(runs(pid));
  await processes.stop();
  t.notOk(runs(pid));
});

test('a program that ignores being asked is ended all the same', async (t) => {
  const processes = createProcesses();
  const pid = await processes.start('deaf', script(t, `process.on('SIGTERM', () => {}); ${idle}`), [], Number);
  await processes.stop();
  t.notOk(runs(pid));
});

test('a program that cannot start is told by name, with its last words', async (t) => {
  const processes = createProcesses();
  const started = processes.start('faulty', script(t, "throw new RangeError('no such preset')"), [], Number);
  await t.rejects(started, { message: /^faulty ended by itself \(exit code 1\)[^]*RangeError: no such preset/ });
  await t.rejects(processes.broken, { message: /^faulty ended by itself/ });
  await processes.stop();
});

test('a program that ends later breaks what it was part of', async (t) => {
  const processes = createProcesses();
  const pid = await processes.start('idler', script(t, idle), [], Number);
  process.kill(pid, 'SIGKILL');
  await t.rejects(processes.broken, { message: 'idler ended by itself (SIGKILL)' });
  await processes.stop();
});
