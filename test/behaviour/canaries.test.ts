// What is somebody's own is in no log line, no metric and no answer that the router makes: marked strings go through it in every place there is.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, SURFACES, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter, type LogLine, type TestRouter } from '../support/test-router.ts';

const MARK = 'c4n4ry';
const mark = (where: string): string => `${MARK}-${where}-${MARK}`;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const event = (data: string): string => `data: ${data}\n\n`;
const error = `{"error":{"message":"${mark('upstream-error')}","type":"${mark('type')}","code":500}}`;
const streamed = (...events: string[]): Buffer => Buffer.concat([Buffer.from(STREAM_HEAD), ...events.map(chunk)]);

/** What the endpoint does, by a word in the prompt. */
const DOINGS: Readonly<Record<string, (request: RawRequest) => void>> = {
  answers: ({ socket }) => void socket.write(sized(200, `{"id":"c","choices":[{"message":{"content":"${mark('answer')}"}}]}`, ['content-type: application/json', `x-note: ${mark('header')}`])),
  streams: ({ socket }) => void socket.write(Buffer.concat([streamed(streamOf(CHAT, [mark('answer'), mark('answer')])), Buffer.from(LAST_CHUNK)])),
  refuses: ({ socket }) => void socket.write(sized(400, error)),
  fails: ({ socket }) => void socket.write(sized(500, error)),
  'fails first': ({ socket }) => void socket.end(Buffer.concat([streamed(event(error)), Buffer.from(LAST_CHUNK)])),
  'fails later': ({ socket }) => void socket.end(Buffer.concat([streamed(CHAT.opening, CHAT.delta(mark('answer')), event(error)), Buffer.from(LAST_CHUNK)])),
  breaks: ({ socket }) => void socket.write(streamed(CHAT.opening, CHAT.delta(mark('answer'))), () => socket.resetAndDestroy()),
  resets: ({ socket }) => void socket.resetAndDestroy(),
  'speaks no HTTP': ({ socket }) => void socket.end(`${mark('upstream-bytes')}\r\n\r\n`),
  'has an odd head': ({ socket }) => void socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${mark('length')}\r\n\r\n`),
  'breaks its chunks': ({ socket }) => void socket.end(`${STREAM_HEAD}${mark('chunk')}\r\n`),
  'keeps silent': () => {},
};

const HEADERS = ['content-type: application/json', `authorization: Bearer ${mark('key')}`, `x-api-key: ${mark('key')}`, `user-agent: ${mark('agent')}`, `cookie: ${mark('cookie')}`];
const QUERY = `?q=${mark('query')}`;

/** An endpoint that is never well, and says so in marked words. */
async function startSickEndpoint(t: Test): Promise<string> {
  const server = createServer((_, response) => void response.writeHead(500, { 'x-why': mark('probe') }).end(mark('probe')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function start(t: Test, level: string): Promise<TestRouter> {
  const upstream = await startRawUpstream(t, (request) => {
    const [, doing = ''] = /<([a-z A-Z]+)>/.exec(request.body.toString()) ?? [];
    (DOINGS[doing] ?? DOINGS['answers'])?.(request);
  });
  const endpoints = [upstream.url, await startSickEndpoint(t)];
  return startTestRouter(t, {
    pools: [{ endpoints, slow_start_ms: 0, api_key: mark('upstream-key'), ejection: { errors_in_row: 0, error_ratio: 0 }, probe: { interval_ms: 20 } }],
    prefix: { tenants: 'isolate', tenant_secret: mark('tenant-secret') },
    timeouts: { first_byte_ms: 200 },
    log: { level },
  });
}

/** What the router has to refuse by itself. */
const REFUSED: readonly string[] = [
  `{"model":"m","messages":"${mark('prompt')}"`,
  `${mark('prompt')}{}`,
  `["${mark('prompt')}"]`,
  `{"model":{"x":"${mark('prompt')}"}}`,
  `{"model":"m","model":"${mark('prompt')}"}`,
  `{"messages":["${mark('prompt')}",${'['.repeat(100)}`,
  `{"${mark('prompt')}":${'1'.repeat(2_000)}}`,
];

for (const level of LEVELS) {
  test(`at level ${level} nothing marked is logged, counted or told`, async (t) => {
    const router = await start(t, level);
    const { url, adminUrl, lines } = router;
    const ids: string[] = [];
    const send = async (path: string, body: string): Promise<string> => {
      const id = `id-${ids.push('')}`;
      const answer = await call(t, url, { path: path + QUERY, headers: [...HEADERS, `x-request-id: ${id}`], body });
      const told = JSON.stringify(answer.headers) + answer.body.toString();
      t.notMatch(told, /upstream-key|tenant-secret/);
      return told;
    };
    for (const surface of SURFACES) {
      for (const body of REFUSED) t.notMatch(await send(surface.path, body), MARK, `an answer to ${body.slice(0, 40)}`);
      const salted = surface.body(`<answers> ${mark('prompt')}`, false).replace('{', `{"cache_salt":"${mark('salt')}","user":"${mark('user')}",`);
      t.match(await send(surface.path, salted), mark('answer'), 'what the endpoint says goes through');
    }
    for (const doing of Object.keys(DOINGS)) await send(CHAT.path, CHAT.body(`<${doing}> ${mark('prompt')}`, true));
    for (const doing of ['answers', 'fails', 'resets', 'speaks no HTTP']) await send('/tokenize', `{"prompt":"<${doing}> ${mark('prompt')}"}`);
    await call(t, url, { method: 'GET', path: `/v1/responses/${mark('id')}${QUERY}`, headers: HEADERS });
    await send(CHAT.path, `{"model":"${mark('model')}","messages":[]}`);
    for (const path of [`/v1/${mark('path')}`, '/v1/models', '/health']) {
      const answer = await call(t, url, { method: 'GET', path: path + QUERY, headers: HEADERS });
      t.notMatch(JSON.stringify(answer.headers) + answer.body.toString(), MARK, path);
    }
    const noHttp = await call(t, url, { path: '/\u0000', headers: [`x: ${mark('bytes')}\u0000`] });
    t.notMatch(noHttp.body.toString(), MARK);

    for (const path of ['/metrics', '/endpoints', '/choices', '/config', '/ready', `/none${QUERY}`, `/endpoints/x/drain`]) {
      t.notMatch(await (await fetch(adminUrl + path, { method: path.endsWith('drain') ? 'POST' : 'GET', headers: { authorization: mark('key') } })).text(), MARK, path);
    }
    // Every request has its line, so what is looked through is all there is.
    if (['trace', 'debug', 'info'].includes(level)) await eventually(() => ids.every((_, i) => lines().some((line: LogLine) => line['id'] === `id-${i + 1}`)));
    const marked = lines().filter((line) => JSON.stringify(line).includes(MARK));
    t.strictSame(marked, []);
    t.notOk(lines().some(({ msg }) => msg === 'unexpected error'));
  });
}
