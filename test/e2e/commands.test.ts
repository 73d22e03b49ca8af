// The commands beside serve: what they say, and their exit codes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { startSimulator, type Simulator } from '../../bench/simulator/simulator.ts';
import type { SimulatorOptions } from '../../bench/simulator/options.ts';
import { CA, FIRST } from '../support/certificates.ts';
import { type Ended, runCommand, runInShell } from '../support/command.ts';
import { call } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { temporaryFolder } from '../support/reloadable-router.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { startTestRouter } from '../support/test-router.ts';

const LONG = 'All happy families are alike; each unhappy family is unhappy in its own way. '.repeat(40);
const ESCAPE = '\u001b[';

async function simulate(t: Test, options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ timeScale: 0, ...options });
  t.teardown(() => simulator.close());
  return simulator;
}

function fileOf(t: Test, content: object | string): string {
  const file = join(t.testdir(), 'file');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

test('help is there for all and for each command; what is no command or no option is exit code 2 and says how', async (t) => {
  for (const [args, wanted] of [[[], /serve .*check .*explain /s], [['help'], /Exit codes/], [['--help'], /Exit codes/], [['serve', '--help'], /--config FILE/], [['check', '-h'], /--probe/], [['help', 'explain'], /--listener NAME/], [['version', '--help'], /version/]] as const) {
    const ended = await runCommand(args);
    t.match(ended, { code: 0, stdout: wanted, stderr: '' }, args.join(' '));
  }
  t.match(await runCommand(['version']), { code: 0, stdout: /^warmroute \d+\.\d+\.\d+\n$/ });
  for (const [args, wanted] of [[['srve'], /no command 'srve'/], [['serve', '--colour'], /--colour/], [['check'], /one file/], [['check', 'a', '--prob'], /--prob/], [['explain'], /--file BODY.json/], [['explain', '--file', 'x', '--admin', 'nowhere'], /"nowhere", wanted a URL/], [['explain', '--file', 'x', '--admin', 'localhost:9901'], /"localhost:9901", wanted a URL/], [['version', 'x'], /takes nothing/]] as const) {
    t.match(await runCommand(args), { code: 2, stdout: '', stderr: wanted }, args.join(' '));
  }
});

test('a reader that leaves first is no failure', async (t) => {
  t.same(await runInShell('warmroute --help | true'), { code: 0, stdout: '', stderr: '' });
  t.same(await runInShell('warmroute srve 2>&1 >/dev/null | true'), { code: 2, stdout: '', stderr: '' });
});

test('explain tells people in a table and programs in JSON where a request would go, without colours', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const other = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url, adminUrl } = await startTestRouter(t, { endpoints: [upstream.url, other.url] });
  const body = CHAT.body(LONG, false);
  await call(t, url, { path: CHAT.path, body });
  const [holder, cold] = upstream.requests.length === 1 ? [upstream, other] : [other, upstream];
  const file = fileOf(t, body);
  const people = await runCommand(['explain', '--file', file, '--admin', adminUrl]);
  t.match(people, { code: 0, stderr: '' });
  t.match(people.stdout, /^listener prefix \(prefix-cost\), model m, [\d,]+ tokens in \d+ blocks\n\nendpoint +matched +ratio +uncached +queued +pressure +overfull +in-flight +cost\n/);
  t.match(people.stdout, new RegExp(`^${holder.id} .* 1\\.00 .* 256 +chosen$`, 'm'));
  t.match(people.stdout, new RegExp(`^${cold.id} .* runner-up$`, 'm'));
  t.match(people.stdout, new RegExp(`\n\n${holder.id} holds [\\d,]+ of [\\d,]+ tokens and is no busier than ${cold.id}, which would compute [\\d,]+ tokens\\.\n$`));
  t.notOk(people.stdout.includes(ESCAPE));
  const coloured = await runCommand(['explain', '--file', file, '--admin', adminUrl], '', { FORCE_COLOR: '1' });
  t.ok(coloured.stdout.includes(ESCAPE), 'a terminal would get them');
  const programs = await runCommand(['explain', '--file', '-', '--json', '--listener', 'baseline', '--admin', adminUrl], body);
  t.equal(programs.code, 0);
  t.match(JSON.parse(programs.stdout), { decision: 'chosen', listener: 'baseline', policy: 'least-request', candidates: [{}, {}] });
  t.equal(upstream.requests.length + other.requests.length, 1, 'nothing was sent');
  t.match(await runCommand(['explain', '--file', file, '--listener', 'none', '--admin', adminUrl]), { code: 1, stdout: '', stderr: /404: there is no listener "none", wanted one of prefix, baseline/ });
  t.match(await runCommand(['explain', '--file', `${file}.missing`, '--admin', adminUrl]), { code: 1, stderr: /cannot be read/ });
  t.match(await runCommand(['explain', '--file', file, '--admin', 'http://127.0.0.1:9']), { code: 1, stderr: /no router answers at http:\/\/127\.0\.0\.1:9: .*--admin/ });
});

test('explain shows the token where the router wants one', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { adminUrl } = await startTestRouter(t, { endpoints: [upstream.url], admin: { port: 0, token: 'secret-token' } });
  const file = fileOf(t, CHAT.body('hello', false));
  t.match(await runCommand(['explain', '--file', file, '--admin', adminUrl, '--token', 'secret-token']), { code: 0, stdout: /is the only endpoint available/ });
  t.match(await runCommand(['explain', '--file', file, '--admin', adminUrl]), { code: 1, stderr: /the router says 401: .*token/ });
});

test('check says what a file describes, or what is wrong with it; without --probe nobody is asked', async (t) => {
  t.match(await runCommand(['check', fileOf(t, { pools: [{ endpoints: ['http://127.0.0.1:9'] }] })]), { code: 0, stdout: /pool default with http:\/\/127\.0\.0\.1:9/, stderr: '' });
  t.match(await runCommand(['check', fileOf(t, { pools: [] }), '--probe']), { code: 2, stdout: '', stderr: /at least one pool/ });
});

test('check --probe finds good endpoints good', async (t) => {
  const simulator = await simulate(t, { apiKey: 'key' });
  const file = fileOf(t, { pools: [{ endpoints: [simulator.url], api_key: 'key' }], models: [{ name: 'chat', targets: [{ pool: 'default', model: '/model/qwen' }] }] });
  const { code, stdout } = await runCommand(['check', file, '--probe']);
  t.equal(code, 0, stdout);
  for (const wanted of ['ok    reachable: /health says 200', 'ok    models: /model/qwen', 'ok    prefix caching is on', 'ok    answers report cached tokens', 'all endpoints are good']) t.match(stdout, wanted);
  t.match(stdout, /ok {4}KV cache: [\d,]+ tokens/);
  t.notOk(stdout.includes(ESCAPE));
});

test('check --probe says of each endpoint what is to be mended and how, and ends with 1', async (t) => {
  const [bare, keyed, wrong] = [await simulate(t, { prefixCaching: false, promptTokensDetails: false }), await simulate(t, { apiKey: 'key' }), await simulate(t, { model: 'other' })];
  const models = [{ name: 'chat', targets: [{ pool: 'default', model: '/model/qwen' }] }];
  const { code, stdout } = await runCommand(['check', fileOf(t, { pools: [{ endpoints: [bare.url, keyed.url, wrong.url, 'http://127.0.0.1:9'] }], models }), '--probe']);
  t.equal(code, 1);
  const [, atBare = '', atKeyed = '', atWrong = '', atNobody = ''] = stdout.split(/^http:\/\/.*$/m);
  t.match(atBare, /fail {2}prefix caching is off: .*--enable-prefix-caching/);
  t.match(atBare, /fail {2}answers do not report cached tokens.*--enable-prompt-tokens-details/);
  t.match(atKeyed, /fail {2}\/v1\/models says 401: set api_key/);
  t.match(atWrong, /fail {2}does not serve \/model\/qwen, .*; it serves other/);
  t.match(atNobody, /fail {2}not reachable: nothing listens there/);
  t.match(stdout, /5 things to mend\n$/);
});

test("check --probe takes the pool's word on certificates, and no other", async (t) => {
  const usage = { prompt_tokens: 2, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 0 } };
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, JSON.stringify({ usage }))));
  const { url } = await startTlsFront(t, upstream, FIRST);
  const folder = temporaryFolder(t);
  const [ca, file] = [join(folder, 'ca.crt'), join(folder, 'warmroute.yaml')];
  writeFileSync(ca, CA);
  const probe = (tls: object | undefined): Promise<Ended> => {
    writeFileSync(file, JSON.stringify({ pools: [{ endpoints: [url], tls }] }));
    return runCommand(['check', file, '--probe']);
  };
  const proved = await probe({ ca_file: ca });
  t.match(proved, { code: 0, stdout: /ok {4}reachable/ });
  t.match(proved.stdout, 'ok    answers report cached tokens');
  t.match(await probe(undefined), { code: 1, stdout: /fail {2}not reachable: [A-Z_]+\. Its certificate is not trusted: set tls\.ca_file/ });
});
