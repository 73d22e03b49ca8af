// The command that a demo or a container starts.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test, type Test } from 'tap';

const main = fileURLToPath(new URL('../../../bench/simulator/main.ts', import.meta.url));

async function start(t: Test, ...args: string[]): Promise<{ child: ChildProcessWithoutNullStreams; url: string }> {
  const child = spawn(process.execPath, [main, ...args]);
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, ...(JSON.parse(line) as { url: string }) };
}

test('the command says where it listens, serves, and ends with 0 on SIGTERM', async (t) => {
  const { child, url } = await start(t, '--model', 'm', '--lora', 'a,b', '--blocks', '100', '--time-scale', '0');
  const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string; parent: string | null }[] };
  t.same(models.data.map(({ id, parent }) => [id, parent]), [['m', null], ['a', 'm'], ['b', 'm']]);
  t.match(await (await fetch(`${url}/metrics`)).text(), 'num_gpu_blocks="100"');
  child.kill('SIGTERM');
  t.same(await once(child, 'exit'), [0, null]);
});

test('a wrong value is an error that names it', async (t) => {
  const child = spawn(process.execPath, [main, '--preset', 'XXL']);
  const told: Buffer[] = [];
  child.stderr.on('data', (data: Buffer) => told.push(data));
  t.same(await once(child, 'close'), [1, null]);
  t.match(Buffer.concat(told).toString(), '--preset wants one of L, S, H8: XXL');
});
