// models-list.test.ts: base models and adapters, from a real server and from strange ones.

import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'tap';
import { readModelsList } from '../../../src/pool/models-list.ts';

test('the list of a real server names its model', async (t) => {
  const capture = readFileSync(new URL('../../captures/models.response', import.meta.url), 'utf8');
  t.same(readModelsList(capture.slice(capture.indexOf('\r\n\r\n') + 4)), [{ id: 'tiny-llama', parent: undefined }]);
});

test('an adapter names its parent, and entries without a name are passed over', async (t) => {
  const data = [{ id: 'base', parent: null }, { id: 'adapter', parent: 'base' }, { id: '' }, { id: 7 }, null, 'x', { id: 'base' }];
  t.same(readModelsList(JSON.stringify({ data })), [{ id: 'base', parent: undefined }, { id: 'adapter', parent: 'base' }]);
});

test('a name that would do something to a terminal or a log is none', async (t) => {
  const ids = ['a\u001b[31m', 'a\nb', 'a\u009b31m', 'a\u2028b', 'a\u007f', '/model/日本 é'];
  t.same(readModelsList(JSON.stringify({ data: ids.map((id) => ({ id })) })), [{ id: '/model/日本 é', parent: undefined }]);
});

test('what is no list is undefined, an empty one is a list', async (t) => {
  for (const text of ['', 'Not Found', '[]', 'null', '{}', '{"data":{}}', '{"data":']) t.equal(readModelsList(text), undefined, text);
  t.same(readModelsList('{"data":[]}'), []);
});

test('no JSON makes it throw', async () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => (readModelsList(text), true)));
});
