// any-text.test.ts: whatever stands in the file, the loader answers instead of throwing.
import * as fc from 'fast-check';
import { test } from 'tap';
import { formatProblem } from '../../../src/config/problem.ts';
import { load, loadOk } from './loading.ts';

const word = fc.constantFrom(
  'version', 'listeners', 'pools', 'endpoints', 'name', 'url', 'dns', 'api_key', 'probe', 'interval_ms', 'models', 'targets', 'weight', 'port', 'kv_cache_tokens', 'prefix', 'tenants', 'isolate', 'tenant_secret',
  'http://a:8000', '${A}', '${A:-1}', '${file:/s}', '${', '}', '{', '[', ']', ',', ': ', ':\n', '\n', '\n  ', '\n    ', '\n- ', '- ', '"', "'", '#', '&a ', '*a', '!x ', '!!binary ', '|', '>', '~', '0', '-1', '1e99', 'true', '<<', '? ', '---', '%', '\t', '\u0000', '\uFEFF', '__proto__', 'é',
);
const yamlish = fc.oneof(fc.string({ unit: 'binary' }), fc.array(word, { maxLength: 40 }).map((words) => words.join('')));

test('any text is a configuration or a list of problems with their places', (t) => {
  fc.assert(
    fc.property(yamlish, (text) => {
      const loaded = load(text, { A: 'x' }, { '/s': 'y' });
      if (loaded.kind === 'ok') return true;
      const lines = text.split(/\r\n|\n|\r/).length;
      return loaded.problems.length > 0 && loaded.problems.every((problem) => problem.line >= 1 && problem.line <= lines && problem.column >= 1 && !formatProblem(problem).includes('undefined, wanted undefined'));
    }),
    { numRuns: 1000 },
  );
  t.pass('no counterexample');
  t.end();
});

const json = fc.jsonValue({ maxDepth: 4 });
const sections = ['version', 'listeners', 'admin', 'pools', 'models', 'prefix', 'timeouts', 'retry', 'admission', 'shutdown', 'log', '__proto__', 'constructor'];

test('any data under the known keys is a configuration or a list of problems', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...sections), fc.oneof(json, fc.array(fc.dictionary(fc.constantFrom('name', 'port', 'endpoints', 'dns', 'targets', 'pool', 'toString'), json)))), (data) => {
      const loaded = load(JSON.stringify(data));
      return loaded.kind === 'ok' || loaded.problems.length > 0;
    }),
    { numRuns: 200 },
  );
  t.pass('no counterexample');
  t.end();
});

test('any valid number of milliseconds arrives as it was written', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (value) => {
      const config = loadOk(`pools: [{ endpoints: [http://a] }]\ntimeouts:\n  idle_ms: \${IDLE}\n`, { IDLE: String(value) });
      return config.timeouts.idleMs === value;
    }),
  );
  t.pass('no counterexample');
  t.end();
});
