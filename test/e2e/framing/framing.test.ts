// Requests that are malformed or can be read in two ways, against the router as a process, with an endpoint that counts bytes (case 23).

import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { header, openConnection, readAnswer, requestBytes } from '../../support/raw-client.ts';
import { RequestReader, type ReadRequest } from '../../support/request-reader.ts';
import { spawnRouter } from '../../support/router-process.ts';
import { eventually } from '../../support/test-router.ts';
import { JSON_BODY, PAYLOADS, SMUGGLED, type Payload } from './payloads.ts';

interface Recorder {
  readonly url: string;
  /** Bytes of requests, those of probes left out. */
  bytes: number;
  readonly requests: ReadRequest[];
}

const PROBES = new Set(['/health', '/metrics', '/v1/models']);
const PATH = '/v1/chat/completions';
const MODELS = JSON.stringify({ object: 'list', data: [{ id: 'm', object: 'model' }] });

/** An endpoint that counts whatever it is sent, whether it is a request or not. */
async function startRecorder(t: Test): Promise<Recorder> {
  const recorder = { url: '', bytes: 0, requests: [] as ReadRequest[] };
  const server = createServer((socket) => {
    t.teardown(() => socket.destroy());
    let unread = 0;
    const reader = new RequestReader((request) => {
      // Connections carry one request at a time, so what came since the last one is this one.
      if (!PROBES.has(request.path)) recorder.requests.push(request);
      else recorder.bytes -= unread;
      unread = 0;
      const body = request.path === '/v1/models' ? MODELS : '{"choices":[]}';
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      recorder.bytes += chunk.length;
      unread += chunk.length;
      reader.feed(chunk);
    });
  });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  recorder.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return recorder;
}

interface Stage {
  readonly recorder: Recorder;
  readonly url: string;
  readonly inFlight: () => Promise<number>;
}

async function start(t: Test): Promise<Stage> {
  const recorder = await startRecorder(t);
  const listener = { name: 'prefix', host: '127.0.0.1', port: 0 };
  const { urls } = spawnRouter(t, { listeners: [listener], admin: { port: 0 }, pools: [{ endpoints: [recorder.url], probe: { interval_ms: 3_600_000 }, scrape: { interval_ms: 3_600_000 } }], log: { level: 'info' } });
  const found = await urls;
  const admin = found.get('admin') ?? '';
  await eventually(async () => (await fetch(`${admin}/ready`)).status === 200);
  const inFlight = async (): Promise<number> => ((await (await fetch(`${admin}/endpoints`)).json()) as { summary: { in_flight: number } }).summary.in_flight;
  return { recorder, url: found.get('prefix') ?? '', inFlight };
}

/** Sends bytes, with a good request on the same connection after them, and gives everything that came back until the connection was gone. */
async function sendWithFollower(t: Test, url: string, bytes: string): Promise<Buffer> {
  const connection = await openConnection(t, url);
  const follower = requestBytes({ path: '/v1/completions', body: JSON_BODY });
  connection.socket.write(Buffer.concat([Buffer.from(bytes, 'latin1'), follower]));
  return connection.closed;
}

function answersIn(received: Buffer): number {
  return received.toString('latin1').split('HTTP/1.1 ').length - 1;
}

async function refuses(t: Test, { url, recorder }: Stage, { bytes, name }: Payload, status: number): Promise<void> {
  const before = recorder.bytes;
  const received = await sendWithFollower(t, url, bytes);
  const answer = readAnswer(received);
  t.equal(answer.status, status, `${name}: its answer`);
  t.equal(header(answer, 'connection'), 'close', `${name}: closed`);
  t.equal(answersIn(received), 1, `${name}: nothing else on the connection is answered`);
  t.equal(recorder.bytes, before, `${name}: bytes at the endpoint`);
}

async function passes(t: Test, { url, recorder }: Stage, { bytes, name }: Payload, body: string): Promise<void> {
  const before = recorder.requests.length;
  const connection = await openConnection(t, url);
  connection.socket.write(Buffer.from(bytes, 'latin1'));
  await connection.until((received) => received.includes('{"choices":[]}'));
  connection.socket.destroy();
  t.equal(readAnswer(connection.received()).status, 200, name);
  const [request, ...more] = recorder.requests.slice(before);
  t.same(more, [], `${name}: one request`);
  t.equal(request?.body.toString('latin1'), body, `${name}: its body`);
  t.equal(request?.path, PATH, name);
  t.notMatch(JSON.stringify(request?.headers), /transfer.encoding|content_length|__proto__|elsewhere/i, `${name}: framed anew`);
}

async function innocent(t: Test, { url, recorder }: Stage): Promise<void> {
  const before = recorder.requests.length;
  const connection = await openConnection(t, url);
  connection.socket.write(requestBytes({ path: PATH, body: JSON_BODY }));
  t.equal(readAnswer(await connection.closed).status, 200, 'the next connection is served');
  t.same(recorder.requests.slice(before).map(({ path, body }) => [path, String(body)]), [[PATH, JSON_BODY]]);
}

test(`${PAYLOADS.length} requests that are malformed or ambiguous: refused before a byte of them is forwarded, or passed as one`, async (t) => {
  t.ok(PAYLOADS.length >= 120);
  t.equal(new Set(PAYLOADS.map(({ bytes }) => bytes)).size, PAYLOADS.length, 'no two alike');
  const stage = await start(t);
  for (const section of new Set(PAYLOADS.map((payload) => payload.section))) {
    await t.test(section, async (t) => {
      for (const payload of PAYLOADS) {
        if (payload.section !== section) continue;
        if (typeof payload.expected === 'number') await refuses(t, stage, payload, payload.expected);
        else await passes(t, stage, payload, payload.expected.passed);
        await innocent(t, stage);
      }
    });
  }
  t.same(stage.recorder.requests.filter(({ headers }) => headers.some(([, value]) => value === 'smuggled')), [], 'nothing smuggled');
  await eventually(async () => (await stage.inFlight()) === 0);
});

test('the same on the paths that are routed by load', async (t) => {
  const stage = await start(t);
  for (const payload of PAYLOADS) {
    if (typeof payload.expected !== 'number' || !payload.bytes.startsWith(`POST ${PATH} HTTP/1.1\r\n`)) continue;
    await refuses(t, stage, { ...payload, bytes: payload.bytes.replace(PATH, '/v1/embeddings') }, payload.expected);
  }
  await innocent(t, stage);
  await eventually(async () => (await stage.inFlight()) === 0);
});

test('cut anywhere, a refused request is refused all the same', async (t) => {
  const stage = await start(t);
  const bytes = `POST ${PATH} HTTP/1.1\r\nHost: router\r\nHost: router\r\nContent-Length: ${JSON_BODY.length}\r\n\r\n${JSON_BODY}${SMUGGLED}`;
  for (let at = 1; at < bytes.length; at += 7) {
    const connection = await openConnection(t, stage.url);
    connection.socket.write(bytes.slice(0, at));
    await new Promise((resolve) => setImmediate(resolve));
    connection.socket.write(bytes.slice(at));
    t.equal(readAnswer(await connection.closed).status, 400);
  }
  t.equal(stage.recorder.bytes, 0);
});

test('clients that reset what was refused disturb nobody', async (t) => {
  const stage = await start(t);
  const reset = `CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n`;
  for (const bytes of [reset, 'garbage\r\n\r\n', ...PAYLOADS.slice(0, 20).map((payload) => payload.bytes)]) {
    const connection = await openConnection(t, stage.url);
    await new Promise((resolve) => connection.socket.write(bytes, 'latin1', resolve));
    connection.socket.resetAndDestroy();
    await connection.closed;
  }
  await innocent(t, stage);
});

test('of a body in chunks nothing is forwarded before its last one is in order', async (t) => {
  const stage = await start(t);
  for (const path of [PATH, '/v1/embeddings', '/v1/responses/resp_1/cancel']) {
    const { bytes } = stage.recorder;
    const connection = await openConnection(t, stage.url);
    connection.socket.write(`POST ${path} HTTP/1.1\r\nHost: router\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n${JSON_BODY}\r\n`);
    // What comes and is answered after it shows that it has been looked at.
    await innocent(t, stage);
    const between = stage.recorder.bytes - bytes;
    connection.socket.write('zz\r\n');
    t.equal(readAnswer(await connection.closed).status, 400, path);
    await innocent(t, stage);
    t.equal(stage.recorder.bytes - bytes, 2 * between, `${path}: the bytes of the innocent ones alone`);
    t.notOk(stage.recorder.requests.some((request) => request.path !== PATH), path);
  }
});
