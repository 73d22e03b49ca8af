// What a request's head may say.

import * as fc from 'fast-check';
import { test } from 'tap';
import { framingProblem, type RequestHead } from '../../../src/server/framing.ts';

const GOOD: RequestHead = { version: '1.1', method: 'POST', target: '/v1/chat/completions', rawHeaders: ['Host', 'router:8081', 'Content-Length', '7'] };

function statusOf(changed: Partial<RequestHead>): number | undefined {
  return framingProblem({ ...GOOD, ...changed })?.status;
}

test('a head that says one thing is in order', (t) => {
  for (const host of ['a', 'a.b-c_d', '10.0.0.1:80', '[::1]', '[fe80::1]:8081', 'LOCALHOST']) t.equal(statusOf({ rawHeaders: ['host', host, 'content-length', '7'] }), undefined, host);
  for (const target of ['/', '/a?b=c', '/a%2fb', '/~!$&\'()*+,;=:@|{}\\', 'http://elsewhere/v1']) t.equal(statusOf({ target }), undefined, target);
  t.equal(statusOf({ version: '1.0', rawHeaders: [] }), undefined, 'HTTP/1.0 needs no Host');
  t.equal(statusOf({ rawHeaders: ['Host', 'a', 'TRANSFER-ENCODING', 'Chunked'] }), undefined);
  t.equal(statusOf({ rawHeaders: ['Host', 'a', 'Upgrade', 'h2c'] }), undefined, 'an upgrade without a body is ignored');
  t.equal(statusOf({ method: 'GET', rawHeaders: ['Host', 'a', 'Content-Length', '0'] }), undefined);
  t.end();
});

test('a target that is no path in printable ASCII is a 400', (t) => {
  for (const target of ['', '*', 'a', 'router:80', '/\u00e9', '/\x7f', '/a b', '/a\t', '/\0', '/a#b', '/a?b#c', 'http://', 'ftp://a/']) t.equal(statusOf({ target }), 400, JSON.stringify(target));
  t.end();
});

test('no Host, several, or one that is no host is a 400', (t) => {
  t.equal(statusOf({ rawHeaders: ['Accept', '*/*'] }), 400);
  t.equal(statusOf({ rawHeaders: ['Host', 'a', 'hOST', 'a'] }), 400);
  t.equal(statusOf({ version: '1.0', rawHeaders: ['Host', 'a', 'Host', 'b'] }), 400);
  for (const host of ['', ' ', 'a b', 'a,b', 'a/b', 'u@a', 'a:', 'a:x', 'a:123456', 'http://a', '[::1', '::1', '[g]', 'a#', 'a\\b', '\u00e9', 'a'.repeat(256)]) t.equal(statusOf({ rawHeaders: ['Host', host] }), 400, JSON.stringify(host));
  t.end();
});

test('a body whose end can be read in two ways is a 400', (t) => {
  const host = ['Host', 'a'];
  const cases = [
    ['Content-Length', '7', 'Transfer-Encoding', 'chunked'],
    ['transfer-encoding', 'chunked', 'content-length', '0'],
    ['Content-Length', '7', 'Content-Length', '7'],
    ...['', '+7', '-7', '7, 7', '7 7', '0x7', '7.0', '1e3', '1'.repeat(16)].map((length) => ['Content-Length', length]),
    ...['', ',chunked', 'chunked,', 'gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', '"chunked"', 'chunked;q=1', '\vchunked'].map((coding) => ['Transfer-Encoding', coding]),
    ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'],
    ['Upgrade', 'websocket', 'Content-Length', '7'],
    ['Upgrade', 'h2c', 'Transfer-Encoding', 'chunked'],
  ];
  for (const headers of cases) t.equal(statusOf({ rawHeaders: [...host, ...headers] }), 400, JSON.stringify(headers));
  t.equal(statusOf({ version: '1.0', rawHeaders: [...host, 'Transfer-Encoding', 'chunked'] }), 400);
  for (const method of ['GET', 'HEAD', 'TRACE']) t.equal(statusOf({ method }), 400, method);
  t.end();
});

test('other versions are a 505, and more than a hundred header lines a 431', (t) => {
  for (const version of ['0.9', '2.0', '1.2']) t.equal(statusOf({ version }), 505, version);
  const lines = (count: number): string[] => ['Host', 'a', ...Array.from({ length: count - 1 }, () => ['x', 'y']).flat()];
  t.equal(statusOf({ rawHeaders: lines(100) }), undefined);
  t.equal(statusOf({ rawHeaders: lines(101) }), 431);
  t.end();
});

test('whatever the headers are, a head in order has one Host and at most one length or coding, whose form is known', (t) => {
  const name = fc.constantFrom('Host', 'host', 'Content-Length', 'content-length', 'Transfer-Encoding', 'Upgrade', '__proto__', 'constructor', 'x');
  const value = fc.oneof(fc.constantFrom('a', 'chunked', '7', '0', ''), fc.string({ maxLength: 8 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
      if (statusOf({ rawHeaders: pairs.flat() }) !== undefined) return true;
      const named = (wanted: string): string[] => pairs.filter(([given]) => given.toLowerCase() === wanted).map(([, given]) => given);
      const [lengths, codings] = [named('content-length'), named('transfer-encoding')];
      return named('host').length === 1 && lengths.length + codings.length <= 1 && lengths.every((each) => /^\d+$/.test(each)) && codings.every((each) => each === 'chunked');
    }),
  );
  t.end();
});
