// demo.test.ts: the demo works whoever runs it: it ends by itself, well, and leaves nothing behind.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';

const demo = fileURLToPath(new URL('../../bench/demo/main.ts', import.meta.url));

/** Five programs start, beside whatever else the machine does. */
const PROCESSES_TIMEOUT_MS = 120_000;

test('the demo ends after its time with answers from both ports', { timeout: PROCESSES_TIMEOUT_MS }, async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [demo, '--for', '6']);
  t.match(stdout, /curl -N http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions/);
  t.match(stdout, /prefix-cost {3,}[1-9]/);
  t.match(stdout, /least-request {3,}[1-9]/);
  t.match(stdout, /The first token comes \d+ % sooner/);
});

test('the demo says what is wrong with its flags', async (t) => {
  await t.rejects(promisify(execFile)(process.execPath, [demo, '--for', 'ever']), { code: 2, stderr: /--for wants seconds above 0: ever/ });
});
