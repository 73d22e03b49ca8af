// Which headers cross the router.

import type { IncomingHttpHeaders } from 'node:http';
import * as fc from 'fast-check';
import { test } from 'tap';
import { util } from 'undici';
import { isRequestId, requestHeaders, responseHeaders, responseHeadersOf } from '../../../src/proxy/headers.ts';

function bytesOf(texts: readonly string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text, 'latin1'));
}

const BEGUN = { traceId: 't', traceparent: 'ours', isContinued: false };

test("of a client's headers those of its connection and its key stay behind, in any case of letters", (t) => {
  const raw = ['Host', 'x', 'CONNECTION', 'close, X-Mine', 'x-mine', '1', 'Transfer-Encoding', 'chunked', 'Authorization', 'Bearer c', 'X-API-Key', 'c', 'X-Forwarded-For', '1', 'Accept', 'a', 'accept', 'b'];
  t.same(requestHeaders(raw, 'id', BEGUN, undefined, undefined), ['Accept', 'a', 'accept', 'b', 'x-request-id', 'id', 'traceparent', 'ours']);
  t.same(requestHeaders(['Accept', 'a'], 'id', BEGUN, 'key', undefined), ['Accept', 'a', 'x-request-id', 'id', 'traceparent', 'ours', 'authorization', 'Bearer key']);
  t.end();
});

test("the router's traceparent takes the place of the client's, whose tracestate goes on only with its trace", (t) => {
  const raw = ['TraceParent', 'theirs', 'Tracestate', 'a=1', 'tracestate', 'b=2'];
  t.same(requestHeaders(raw, 'id', BEGUN, undefined, undefined), ['x-request-id', 'id', 'traceparent', 'ours']);
  t.same(requestHeaders(raw, 'id', { ...BEGUN, isContinued: true }, undefined, undefined), ['Tracestate', 'a=1', 'tracestate', 'b=2', 'x-request-id', 'id', 'traceparent', 'ours']);
  t.end();
});

test('names that objects have of their own are headers like any other, and one with an underscore stays behind like any other', (t) => {
  const raw = ['__proto__', '1', 'constructor', '2', 'toString', '3', 'x_forwarded_for', '4', 'Content_Length', '5'];
  t.same(requestHeaders(raw, 'id', BEGUN, undefined, undefined), ['constructor', '2', 'toString', '3', 'x-request-id', 'id', 'traceparent', 'ours']);
  t.end();
});

test("a peer whose word is taken passes on whom it forwards for, and is the chain's last; of anybody else nothing of it is left", (t) => {
  const raw = ['X-Forwarded-For', '1.1.1.1', 'x-forwarded-proto', 'https', 'Forwarded', 'for=1.1.1.1', 'x-forwarded-for', '2.2.2.2'];
  t.same(requestHeaders(raw, 'id', BEGUN, undefined, '10.0.0.9'), ['x-forwarded-proto', 'https', 'Forwarded', 'for=1.1.1.1', 'x-forwarded-for', '1.1.1.1, 2.2.2.2, 10.0.0.9', 'x-request-id', 'id', 'traceparent', 'ours']);
  t.same(requestHeaders(raw, 'id', BEGUN, undefined, undefined), ['x-request-id', 'id', 'traceparent', 'ours']);
  t.same(requestHeaders(['Connection', 'x-forwarded-for, x-request-id, authorization', ...raw], 'id', BEGUN, 'key', '10.0.0.9').slice(-8), ['x-forwarded-for', '10.0.0.9', 'x-request-id', 'id', 'traceparent', 'ours', 'authorization', 'Bearer key'], 'what a Connection header names goes before the router adds its own');
  t.end();
});

test('of an answer those of its connection and its server stay behind, as bytes and as an object', (t) => {
  const raw = ['Server', 'uvicorn', 'Connection', 'x-inner', 'X-Inner', '1', 'Keep-Alive', '1', 'X-Request-Id', 'engine', 'Content-Type', 'a', 'Set-Cookie', '1', 'Set-Cookie', '2'];
  t.same(responseHeaders(bytesOf(raw), {}, 'id'), ['Content-Type', 'a', 'Set-Cookie', '1', 'Set-Cookie', '2', 'x-request-id', 'id']);
  t.same(responseHeaders(bytesOf(['Access-Control-Allow-Origin', '*', 'access-control-allow-credentials', 'true']), {}, 'id'), ['x-request-id', 'id'], 'who may read it is for the router to say');
  t.same(responseHeaders(bytesOf(['X-Warmroute-Endpoint', 'a:1', 'x-warmroute-reason', 'x']), {}, 'id'), ['x-request-id', 'id'], 'and where it came from, too');
  const object = { 'access-control-allow-origin': '*', server: 'uvicorn', connection: 'x-inner', 'x-inner': '1', 'content-type': 'a', 'set-cookie': ['1', '2'] };
  t.same(responseHeadersOf(object, 'id'), { 'content-type': 'a', 'set-cookie': ['1', '2'], 'x-request-id': 'id' });
  const lines: object = { connection: ['x-inner', 'close, X-Other'], 'x-inner': '1', 'x-other': '2', 'content-type': 'a' };
  t.same(responseHeadersOf(lines as IncomingHttpHeaders, 'id'), { 'content-type': 'a', 'x-request-id': 'id' }, 'of several lines an array comes');
  t.end();
});

test('bytes that are no UTF-8 pass as they are', (t) => {
  t.same(responseHeaders([Buffer.from('x-latin'), Buffer.from([0xe9])], { 'x-latin': '\ufffd' }, 'id')[1], 'é');
  t.end();
});

test('whatever undici has read of the headers, those that go on are the bytes that came', (t) => {
  const name = fc.constantFrom('x-a', 'X-A', 'x-b', 'x-B', '1', '__proto__', 'constructor');
  const value = fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
      const raw = bytesOf(pairs.flat());
      t.strictSame(responseHeaders(raw, util.parseHeaders(raw), 'id'), [...pairs.flat(), 'x-request-id', 'id']);
    }),
  );
  t.end();
});

test('whatever headers there are, exactly one request id goes on, and it is ours', (t) => {
  const name = fc.constantFrom('x-request-id', 'X-Request-ID', 'accept', 'x-a');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string()), { maxLength: 6 }), (pairs) => {
      const raw = pairs.flat();
      for (const out of [requestHeaders(raw, 'ours', BEGUN, undefined, undefined), responseHeaders(bytesOf(raw), {}, 'ours')]) {
        const ids = out.filter((_, i) => i % 2 === 1 && out[i - 1]!.toLowerCase() === 'x-request-id');
        if (ids.length !== 1 || ids[0] !== 'ours') return false;
      }
      return true;
    }),
  );
  t.end();
});

test('a request id is letters, digits, dots, underscores and hyphens, at most 128', (t) => {
  for (const good of ['a', 'A-b_c.9', 'x'.repeat(128)]) t.equal(isRequestId(good), true, good);
  for (const bad of ['', 'x'.repeat(129), 'a b', 'a\n', 'é', 'a/b', ['a'], undefined, 7]) t.equal(isRequestId(bad), false, String(bad));
  t.end();
});
