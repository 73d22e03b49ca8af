// Operators show a token where one is configured, and no page of another origin acts in their name.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { call, header } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { startReloadableRouter, temporaryFolder } from '../support/reloadable-router.ts';
import { fileOf, startTestRouter } from '../support/test-router.ts';

const TOKEN = 'canary-token';
const bearer = `authorization: Bearer ${TOKEN}`;
const OPEN = ['/live', '/ready', '/metrics'];
/** The page's files hold nothing of the router, and the page asks for the token. */
const PAGE = ['/', '/page/main.js', '/page/uplot.js'];

function guardedPaths(id: string): readonly (readonly [method: string, path: string])[] {
  return [['GET', '/endpoints'], ['GET', '/choices'], ['GET', '/choices/stream'], ['POST', '/explain'], ['GET', '/config'], ['POST', '/reload'], ['POST', `/endpoints/${id}/drain`], ['POST', `/endpoints/${id}/undrain`], ['GET', '/page/stream'], ['GET', '/nothing'], ['GET', '/live/'], ['DELETE', '/reload']];
}

for (const host of ['127.0.0.1', '0.0.0.0']) {
  test(`on ${host} with a token everything but live, ready, metrics and the page's files wants it`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
    const { adminUrl, lines } = await startReloadableRouter(t, { endpoints: [upstream.url], admin: { host, port: 0, token: TOKEN } });
    const url = adminUrl.replace('0.0.0.0', '127.0.0.1');
    for (const path of OPEN) t.equal((await call(t, url, { method: 'GET', path })).status, 200, path);
    for (const path of PAGE) {
      const answer = await call(t, url, { method: 'GET', path });
      t.equal(answer.status, 200, path);
      t.match(header(answer, 'content-security-policy'), /^default-src 'self';(?!.*unsafe).* frame-ancestors 'none'$/, `${path}: runs nothing of another's, and stands in no page of another's`);
    }
    for (const [method, path] of guardedPaths(upstream.id)) {
      for (const headers of [[], ['authorization: Bearer wrong'], [`x-api-key: ${TOKEN}`], [`authorization: ${TOKEN}`]]) {
        const answer = await call(t, url, { method, path, headers });
        t.equal(answer.status, 401, `${method} ${path}`);
        t.equal(header(answer, 'www-authenticate'), 'Bearer');
        t.notMatch(answer.body.toString(), new RegExp(`canary|${upstream.id}`));
      }
    }
    t.match((await call(t, url, { method: 'GET', path: '/endpoints', headers: [bearer] })).body.toString(), upstream.id);
    t.match(JSON.parse((await call(t, url, { path: `/endpoints/${upstream.id}/drain`, headers: [bearer] })).body.toString()), { draining_by: ['admin'] });
    t.equal((await call(t, url, { path: '/reload', headers: [bearer] })).status, 200);
    t.equal((await call(t, url, { method: 'GET', path: '/reload', headers: [bearer] })).status, 405);
    t.notMatch(JSON.stringify(lines()), 'canary');
  });
}

test('elsewhere than on loopback, without a token, nothing is there but live, ready and metrics', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { adminUrl } = await startTestRouter(t, { endpoints: [upstream.url], admin: { host: '0.0.0.0', port: 0 } });
  const url = adminUrl.replace('0.0.0.0', '127.0.0.1');
  for (const path of OPEN) t.equal((await call(t, url, { method: 'GET', path })).status, 200, path);
  for (const [method, path] of [...guardedPaths(upstream.id), ...PAGE.map((path) => ['GET', path] as const)]) {
    const answer = await call(t, url, { method, path, headers: [bearer] });
    t.equal(answer.status, 403, `${method} ${path}`);
    t.notMatch(answer.body.toString(), upstream.id);
  }
});

test('a token that is given, changed or taken away by a reload holds from then on', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { adminUrl: url, write } = await startReloadableRouter(t, { endpoints: [upstream.url] });
  const reload = async (...headers: string[]): Promise<number> => (await call(t, url, { path: '/reload', headers })).status;
  write({ endpoints: [upstream.url], admin: { port: 0, token: TOKEN } });
  t.equal(await reload(), 200);
  t.equal(await reload(), 401);
  const secret = join(temporaryFolder(t), 'token');
  writeFileSync(secret, 'another\n');
  write(fileOf({ endpoints: [upstream.url], admin: { port: 0, token: `\${file:${secret}}` } }));
  t.equal(await reload(bearer), 200);
  t.equal(await reload(bearer), 401);
  write({ endpoints: [upstream.url] });
  t.equal(await reload('authorization: Bearer another'), 200);
  t.equal(await reload(), 200);
});

test('a page of another origin changes nothing, with or without a token; the admin\'s own does', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  for (const token of [undefined, TOKEN]) {
    const { adminUrl: url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url], admin: { port: 0, ...(token === undefined ? {} : { token }) } });
    const { host, port } = new URL(url);
    const drain = async (origin: string, asked = host): Promise<number> => {
      return (await call(t, url, { path: `/endpoints/${upstream.id}/drain`, headers: [`origin: ${origin}`, `host: ${asked}`, ...(token === undefined ? [] : [bearer])] })).status;
    };
    for (const origin of ['http://evil.example', `http://evil.example:${port}`, 'http://127.0.0.1', `http://127.0.0.1:${Number(port) + 1}`, `http://127.0.0.1:${port}.evil.example`, 'null', '', `ftp://${host}`]) t.equal(await drain(origin), 403, JSON.stringify(origin));
    const rebound = await drain(`http://evil.example:${port}`, `evil.example:${port}`);
    t.equal(rebound, token === undefined ? 403 : 200, 'a name that was made to lead here proves nothing; the token does');
    if (token === undefined) t.match(await endpoints(), [{ draining_by: [] }]);
    t.equal(await drain(`http://${host}`), 200);
    t.equal(await drain(`http://localhost:${port}`, `localhost:${port}`), 200);
    t.equal(await drain(`http://[::1]:${port}`, `[::1]:${port}`), 200);
    t.equal((await call(t, url, { method: 'GET', path: '/endpoints', headers: ['origin: http://evil.example', ...(token === undefined ? [] : [bearer])] })).status, 200, 'what only reads cannot be read there: there is no CORS');
  }
});

test('without a token a name that was made to lead here reads nothing either; an address, localhost and what is open to all do, and with a token any name', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  for (const token of [undefined, TOKEN]) {
    const { adminUrl: url } = await startTestRouter(t, { endpoints: [upstream.url], admin: { port: 0, ...(token === undefined ? {} : { token }) } });
    const { host, port } = new URL(url);
    const get = async (path: string, asked: string) => call(t, url, { method: 'GET', path, headers: [`host: ${asked}`, ...(token === undefined ? [] : [bearer])] });
    for (const asked of [`evil.example:${port}`, 'evil.example', `127.0.0.1.evil.example:${port}`, `localhost.evil.example:${port}`]) {
      for (const path of ['/endpoints', '/choices', '/config', '/']) {
        const answer = await get(path, asked);
        t.equal(answer.status, token === undefined ? 403 : 200, `${path} of ${asked}`);
        if (token === undefined) t.notMatch(answer.body.toString(), upstream.id);
      }
      for (const path of OPEN) t.equal((await get(path, asked)).status, 200, `${path} of ${asked}`);
    }
    for (const asked of [host, `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`, '127.0.0.1']) t.equal((await get('/endpoints', asked)).status, 200, asked);
  }
});
