import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

import { test } from 'tap';

const MODULE = new URL('../../../src/observe/standard-output.ts', import.meta.url).href;

/** Runs a script in which `out` is the destination; its standard output is a pipe unless told otherwise. */
function run(script: string, stdout: 'pipe' | number = 'pipe') {
  const source = `import { standardOutput } from '${MODULE}'; const out = standardOutput(); ${script}`;
  return spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', stdout, 'pipe'] });
}

async function linesOf(child: ReturnType<typeof run>): Promise<string[]> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(child, 'close');
  return text.trimEnd().split('\n');
}

test('lines that are not out yet when the process exits are written before it does', async (t) => {
  const child = run(`for (let i = 0; i < 2000; i++) out.write('line ' + i + ' ' + 'x'.repeat(100) + '\\n'); process.exit(3);`);
  const lines = await linesOf(child);
  t.equal(child.exitCode, 3);
  t.equal(new Set(lines).size, 2000);
  t.ok(lines.every((line) => /^line \d+ x{100}$/.test(line)), 'none is cut');
});

test('lines come in the order in which they were written', async (t) => {
  const script = `let i = 0; const timer = setInterval(() => { for (let k = 0; k < 10; k++) out.write(i++ + '\\n'); if (i === 100) clearInterval(timer); }, 1);`;
  const lines = await linesOf(run(script));
  t.strictSame(lines, Array.from({ length: 100 }, (_, i) => String(i)));
});

test('a line that is made later is made when it goes out, at the exit too, and keeps its place', async (t) => {
  const script = `let made = 'not'; out.write('1\\n'); out.writeLater(() => '2 ' + made + '\\n'); out.write('3\\n'); made = 'now';`;
  for (const ending of ['setTimeout(() => {}, 300);', 'process.exit(0);']) t.strictSame(await linesOf(run(script + ending)), ['1', '2 now', '3'], ending);
});

test('a full pipe that does not block is tried again, before the exit and in it', async (t) => {
  // Touching process.stdout makes the pipe one that does not block. Nobody reads until the child says that it has waited.
  const script = `process.stdout; const big = 'x'.repeat(2_000_000); out.write(big + '\\n'); out.write('second\\n');`;
  for (const ending of ['setTimeout(() => console.error("waited"), 60);', 'setTimeout(() => { console.error("leaving"); process.exit(0); }, 60);']) {
    const child = run(script + ending);
    await once(child.stderr ?? child, 'data');
    const lines = await linesOf(child);
    t.strictSame(lines.map((line) => line.length), [2_000_000, 6], ending);
  }
});

test('lines that nobody takes are dropped past a limit, and a line says how many', async (t) => {
  const lines = await linesOf(run(`const line = 'x'.repeat(1023) + '\\n'; for (let i = 0; i < 20_000; i++) out.write(line);`));
  const last = JSON.parse(lines.at(-1) ?? '') as { lines: number };
  t.match(last, { level: 'warn', msg: 'log lines dropped' });
  t.equal(lines.length - 1 + last.lines, 20_000);
  t.ok(last.lines > 3000, `${last.lines} dropped`);
});

test('lines that are made later are dropped too', async (t) => {
  const lines = await linesOf(run(`for (let i = 0; i < 40_000; i++) out.writeLater(() => 'x\\n');`));
  const last = JSON.parse(lines.at(-1) ?? '') as { lines: number };
  t.equal(lines.length - 1 + last.lines, 40_000);
  t.ok(last.lines > 3000, `${last.lines} dropped`);
});

test('a full disk ends neither the process nor its exit', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(full));
  const child = run(`out.write('one\\n'); setTimeout(() => { out.write('two\\n'); out.write('three\\n'); process.exit(5); }, 20);`, full);
  await once(child, 'close');
  t.equal(child.exitCode, 5);
});

test('a reader that is gone does not end the process', async (t) => {
  const child = run(`process.once('SIGUSR2', () => { out.write('two\\n'); setTimeout(() => process.exit(5), 20); }); setInterval(() => {}, 1000); out.write('ready\\n');`);
  await once(child.stdout ?? child, 'data');
  child.stdout?.destroy();
  child.kill('SIGUSR2');
  await once(child, 'close');
  t.equal(child.exitCode, 5);
});
