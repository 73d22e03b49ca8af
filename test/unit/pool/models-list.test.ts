// models-list.test.ts: base models and adapters, from a real server and from strange ones.

import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'tap';
import { readModelsList } from '../../../src/pool/models-list.ts';
import { tokensMaxOf } from '../../../src/pool/served-models.ts';

test('the list of a real server names its model and how long a prompt may be', async (t) => {
  const capture = readFileSync(new URL('../../captures/models.response', import.meta.url), 'utf8');
  t.same(readModelsList(capture.slice(capture.indexOf('\r\n\r\n') + 4)), [{ id: 'tiny-llama', parent: undefined, tokensMax: 8192 }]);
});

test('an adapter names its parent, and entries without a name are passed over', async (t) => {
  const data = [{ id: 'base', parent: null, max_model_len: '8k' }, { id: 'adapter', parent: 'base', max_model_len: null }, { id: '' }, { id: 7 }, null, 'x', { id: 'base' }];
  t.same(readModelsList(JSON.stringify({ data })), [{ id: 'base', parent: undefined, tokensMax: undefined }, { id: 'adapter', parent: 'base', tokensMax: undefined }]);
});

test('an adapter takes as long prompts as its base model', async (t) => {
  const models = [{ id: 'base', parent: undefined, tokensMax: 8192 }, { id: 'adapter', parent: 'base' }, { id: 'orphan', parent: 'gone' }, { id: 'other', parent: undefined }];
  t.same(['base', 'adapter', 'orphan', 'other', 'unknown'].map((id) => tokensMaxOf(models, id)), [8192, 8192, Infinity, Infinity, Infinity]);
});

test('a name that would do something to a terminal or a log is none', async (t) => {
  const ids = ['a\u001b[31m', 'a\nb', 'a\u009b31m', 'a\u2028b', 'a\u007f', '/model/日本 é'];
  t.same(readModelsList(JSON.stringify({ data: ids.map((id) => ({ id })) })), [{ id: '/model/日本 é', parent: undefined, tokensMax: undefined }]);
});

test('what is no list is undefined, an empty one is a list', async (t) => {
  for (const text of ['', 'Not Found', '[]', 'null', '{}', '{"data":{}}', '{"data":']) t.equal(readModelsList(text), undefined, text);
  t.same(readModelsList('{"data":[]}'), []);
});

test('no JSON makes it throw', async () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => (readModelsList(text), true)));
});
