// Nobody opens a debugger in the process: not by a signal, not by a variable.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { spawnRouter } from '../support/router-process.ts';

const ROOT = join(import.meta.dirname, '../..');

test('SIGUSR1 opens none, and the router goes on', async (t) => {
  const router = spawnRouter(t, { listeners: [{ name: 'clients', host: '127.0.0.1', port: 0 }], admin: { port: 0 }, pools: [{ endpoints: ['http://127.0.0.1:9'] }], shutdown: { settle_ms: 0 } });
  const urls = await router.urls;
  router.child.kill('SIGUSR1');
  t.equal((await fetch(`${urls.get('admin')}/live`)).status, 200);
  router.child.kill('SIGTERM');
  t.same(await router.ended, { code: 0, stderr: '' });
});

test('the image starts it without what NODE_OPTIONS asks for, and deaf to that signal', (t) => {
  const entry = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').match(/^ENTRYPOINT (\[.*\])$/gm)?.at(-1);
  const [command = '', ...args] = (JSON.parse(entry?.slice('ENTRYPOINT '.length) ?? '[]') as string[]).map((part) => part.replace('/app', ROOT));
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, NODE_OPTIONS: '--inspect=127.0.0.1:0' };
  const { status, stdout, stderr } = spawnSync(command, [...args, 'version'], { env, encoding: 'utf8' });
  t.equal(status, 0);
  t.match(stdout, /^warmroute /);
  t.equal(stderr, '', 'no debugger listens');
  t.ok(args.includes('--disable-sigusr1'));
  t.match(spawnSync(process.execPath, ['-e', ''], { env, encoding: 'utf8' }).stderr, /Debugger listening/, 'the variable would have opened one');
  t.end();
});
