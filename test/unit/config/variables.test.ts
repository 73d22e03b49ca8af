// variables.test.ts: what stands for something else in the file.
import { test } from 'tap';
import { complaints, load, loadOk } from './loading.ts';

const file = (lines: string): string => `pools:\n  - endpoints: [http://a:8000]\n${lines}`;

test('a plain scalar that is one variable is read again as YAML', (t) => {
  const text = file('    shared: ${SHARED}\nlisteners:\n  - name: x\n    port: ${PORT:-8081}\n');
  t.match(loadOk(text, { SHARED: 'true' }), { listeners: [{ port: 8081 }], pools: [{ shared: true }] });
  t.match(loadOk(text, { SHARED: 'false', PORT: '9000' }), { listeners: [{ port: 9000 }], pools: [{ shared: false }] });
  t.end();
});

test('in quotes it stays text', (t) => {
  t.equal(loadOk(file('    api_key: "${KEY}"\n'), { KEY: '007' }).pools[0]?.apiKey, '007');
  t.strictSame(complaints(file('    in_flight_max: "${N}"\n'), { N: '7' }), ['w.yaml:3:20: pools[0].in_flight_max: is "7", wanted a whole number of requests ≥ 1']);
  t.end();
});

test('variables stand anywhere in a text, several of them', (t) => {
  const config = loadOk('pools:\n  - endpoints:\n      - http://${HOST}:${PORT:-8000}\n', { HOST: 'a' });
  t.equal(config.pools[0]?.endpoints[0]?.url, 'http://a:8000');
  t.end();
});

test('a default replaces a variable that is unset or empty', (t) => {
  const text = file('log:\n  level: ${LEVEL:-warn}\n');
  t.equal(loadOk(text).log.level, 'warn');
  t.equal(loadOk(text, { LEVEL: '' }).log.level, 'warn');
  t.equal(loadOk(text, { LEVEL: 'debug' }).log.level, 'debug');
  t.end();
});

test('an empty default leaves the key out', (t) => {
  const config = loadOk(file('    api_key: ${KEY:-}\n    in_flight_max: ${N:-}\n'));
  t.notOk('apiKey' in (config.pools[0] ?? {}));
  t.equal(config.pools[0]?.inFlightMax, 1024);
  t.end();
});

test('a file gives its content without the last line end', (t) => {
  const config = loadOk(file('    api_key: ${file:/run/secrets/key}\n'), {}, { '/run/secrets/key': 'sk-1\n' });
  t.equal(config.pools[0]?.apiKey, 'sk-1');
  t.end();
});

test('a variable cannot bring in structure', (t) => {
  const [message] = complaints(file('    name: ${NAME}\n'), { NAME: 'x, shared: true' });
  t.match(message, 'pools[0].name: is "x, shared: true", wanted a name');
  t.match(complaints(file('    probe: ${PROBE}\n'), { PROBE: '{ interval_ms: 1 }' })[0], 'pools[0].probe: is "{ interval_ms: 1 }", wanted a mapping');
  t.end();
});

test('what is substituted is not substituted again', (t) => {
  t.match(complaints(file('    name: ${A}\n'), { A: '${B}', B: 'b' })[0], 'is "${B}", wanted a name');
  t.end();
});

test('each variable without a value is one problem, at its place', (t) => {
  const text = file('    name: ${NAME}\n    in_flight_max: ${N}\n    api_key: "${A:-}${B}${file:/no}"\n    slow_start_ms: ${no-name}\n');
  t.strictSame(complaints(text), [
    'w.yaml:3:11: pools[0].name: is ${NAME}, which is undefined, wanted NAME in the environment, or a default: ${NAME:-default}',
    'w.yaml:4:20: pools[0].in_flight_max: is ${N}, which is undefined, wanted N in the environment, or a default: ${N:-default}',
    'w.yaml:5:21: pools[0].api_key: is ${B}, which is undefined, wanted B in the environment, or a default: ${B:-default}',
    'w.yaml:5:25: pools[0].api_key: is ${file:/no}, which is unreadable (ENOENT), wanted a readable file',
    'w.yaml:6:20: pools[0].slow_start_ms: is a malformed variable, wanted ${VAR}, ${VAR:-default} or ${file:/path}',
  ]);
  t.end();
});

test('a variable in a block of text is told at the beginning of the block', (t) => {
  t.match(complaints(file('    api_key: >-\n      abc\n      ${KEY}\n'))[0], 'w.yaml:3:14: pools[0].api_key: is ${KEY}, which is undefined');
  t.end();
});

test('names of inherited properties are not variables', (t) => {
  t.match(complaints(file('    name: ${constructor}\n'))[0], '${constructor}, which is undefined');
  t.end();
});

test('a variable without quotes in a flow mapping is explained', (t) => {
  t.strictSame(complaints('listeners:\n  - { name: x, port: ${PORT} }\n')[0], 'w.yaml:2:23: is not YAML (Unexpected flow-map-start at node end), wanted block style around the variable, because in { } and [ ] its } ends the text');
  t.equal(load('pools:\n  - { endpoints: ["${E}"] }\n', { E: 'http://a' }).kind, 'ok');
  t.end();
});
