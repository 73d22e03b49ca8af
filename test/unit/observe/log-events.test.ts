import { test } from 'tap';

import { createLog } from '../../../src/observe/log.ts';
import type { Log, LogLevel } from '../../../src/observe/log.ts';

const ENDPOINT = { id: '10.0.0.11:8000', pool: 'default', origin: 'http://10.0.0.11:8000', apiKey: 'MARKER' };

function linesOf(happen: (log: Log) => void, level: LogLevel = 'info') {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write(line: string) {
      const { time: _time, ...rest } = JSON.parse(line) as Record<string, unknown>;
      lines.push(rest);
    },
  };
  happen(createLog({ level, sampleRatio: 0, matchRatioMin: 0.5, random: () => 0, destination }));
  return lines;
}

test('what happens to an endpoint says which one and why, never its key', (t) => {
  const at = { pool: 'default', endpoint: '10.0.0.11:8000' };
  t.strictSame(
    linesOf((log) => {
      log.endpointHealth(ENDPOINT, true, 'probe answered 200');
      log.endpointHealth(ENDPOINT, false, 'probe timed out');
      log.endpointEjected(ENDPOINT, '5 failures in a row');
      log.endpointReturned(ENDPOINT);
      log.endpointHalted(ENDPOINT, 'asleep');
      log.endpointHalted(ENDPOINT, undefined);
      log.endpointRestarted(ENDPOINT);
    }),
    [
      { level: 'info', ...at, reason: 'probe answered 200', msg: 'endpoint is healthy' },
      { level: 'warn', ...at, reason: 'probe timed out', msg: 'endpoint is unhealthy' },
      { level: 'warn', ...at, reason: '5 failures in a row', msg: 'endpoint is ejected' },
      { level: 'info', ...at, msg: 'endpoint is back from its ejection' },
      { level: 'warn', ...at, msg: 'engine is asleep, endpoint gets no requests' },
      { level: 'info', ...at, msg: 'engine works again' },
      { level: 'warn', ...at, msg: 'endpoint restarted' },
    ],
  );
  t.end();
});

test('a pool in panic is a warning, its end is none', (t) => {
  t.strictSame(linesOf((log) => (log.poolPanic('p', true), log.poolPanic('p', false))), [
    { level: 'warn', pool: 'p', msg: 'too few endpoints are available, ejections by errors are ignored' },
    { level: 'info', pool: 'p', msg: 'enough endpoints are available again' },
  ]);
  t.end();
});

test('wrong predictions are a warning that says what is likely wrong', (t) => {
  const at = { level: 'warn', pool: 'default', endpoint: '10.0.0.11:8000' };
  const msg = 'predictions of cached tokens stay wrong';
  t.match(
    linesOf((log) => {
      log.predictionsInaccurate(ENDPOINT, 0.12345, 'prefix-caching-off');
      log.predictionsInaccurate(ENDPOINT, 0.5, 'other-traffic');
      log.predictionsInaccurate(ENDPOINT, 0.5, 'unknown');
      log.cachedTokensMissing(ENDPOINT);
      log.usageMissing(ENDPOINT);
    }),
    [
      { ...at, error_ratio: 0.123, likely: /prefix caching is switched off/, msg },
      { ...at, error_ratio: 0.5, likely: /another router/, msg },
      { ...at, error_ratio: 0.5, likely: /kv_cache_tokens/, msg },
      { ...at, likely: /--enable-prompt-tokens-details/, msg: 'answers do not report cached tokens' },
      { ...at, likely: /`usage: ask`.*stream_options\.include_usage/, msg: 'answers carry no usage' },
    ],
  );
  t.end();
});

test('discovery says what came, what went and what failed', (t) => {
  t.strictSame(
    linesOf((log) => {
      log.endpointsChanged('default', ['10.0.0.12:8000'], []);
      log.discoveryFailed('default', 'vllm.svc', 'SERVFAIL');
    }),
    [
      { level: 'info', pool: 'default', added: ['10.0.0.12:8000'], removed: [], msg: 'endpoints changed' },
      { level: 'warn', pool: 'default', name: 'vllm.svc', reason: 'SERVFAIL', msg: 'discovery failed, keeping the last endpoints' },
    ],
  );
  t.end();
});

test('a start and a stop can be followed in the log', (t) => {
  t.strictSame(
    linesOf((log) => {
      log.listening('prefix', 'http://0.0.0.0:8081');
      log.shutdown('settling', 3);
      log.shutdown('draining', 2);
      log.shutdown('cut_off', 1);
      log.shutdown('done', 0);
    }),
    [
      { level: 'info', listener: 'prefix', address: 'http://0.0.0.0:8081', msg: 'listening' },
      { level: 'info', phase: 'settling', in_flight: 3, msg: 'not ready any more, still serving' },
      { level: 'info', phase: 'draining', in_flight: 2, msg: 'no new connections, finishing requests' },
      { level: 'info', phase: 'cut_off', in_flight: 1, msg: 'deadline reached, cutting requests off' },
      { level: 'info', phase: 'done', in_flight: 0, msg: 'stopped' },
    ],
  );
  t.end();
});

test('a configuration that is not taken is one line with all its problems', (t) => {
  t.strictSame(
    linesOf((log) => log.configRejected('file', 'a', ['a:1:2: first', 'a:3:4: second'])),
    [{ level: 'error', trigger: 'file', file: 'a', problems: ['a:1:2: first', 'a:3:4: second'], msg: 'configuration not reloaded, the one before stays' }],
  );
  t.end();
});

test('another level holds for the lines to come', (t) => {
  const lines = linesOf((log) => {
    log.configReloaded('signal', 'a');
    log.reconfigure({ level: 'warn', sampleRatio: 1, matchRatioMin: 0.5 });
    log.configReloaded('admin', 'a');
    log.reloadRefused('admin', 'the router is stopping');
  });
  t.strictSame(lines, [
    { level: 'info', trigger: 'signal', file: 'a', msg: 'configuration reloaded' },
    { level: 'warn', trigger: 'admin', reason: 'the router is stopping', msg: 'no reload' },
  ]);
  t.end();
});

test('an unexpected error keeps name, message and stack, and nothing that libraries hang on it', (t) => {
  const error = Object.assign(new TypeError('cannot read'), { body: 'MARKER', headers: { authorization: 'MARKER' } });
  const [line] = linesOf((log) => log.unexpected('admin', error));
  t.match(line, { level: 'error', where: 'admin', error: 'TypeError', reason: 'cannot read', stack: /log-events\.test\.ts/, msg: 'unexpected error' });
  t.notMatch(JSON.stringify(line), /MARKER/);
  t.match(linesOf((log) => log.unexpected('admin', 'thrown text')), [{ reason: 'thrown text' }]);
  t.end();
});

test('the level holds for events', (t) => {
  t.strictSame(linesOf((log) => log.endpointHealth(ENDPOINT, true, ''), 'warn'), []);
  t.strictSame(linesOf((log) => log.endpointEjected(ENDPOINT, ''), 'silent'), []);
  t.end();
});

test('each line has the time of its own millisecond, also where the clock goes back', (t) => {
  const now = Date.now;
  t.teardown(() => (Date.now = now));
  const times: unknown[] = [];
  const destination = { write: (line: string) => void times.push((JSON.parse(line) as Record<string, unknown>)['time']) };
  const log = createLog({ level: 'info', sampleRatio: 0, matchRatioMin: 0.5, random: () => 0, destination });
  const wanted = ['2026-11-28T10:00:00.007Z', '2026-11-28T10:00:00.007Z', '2026-11-28T10:00:00.123Z', '2026-11-28T10:00:01.123Z', '2026-11-28T09:00:01.123Z'];
  for (const time of wanted) {
    Date.now = () => Date.parse(time);
    log.endpointReturned(ENDPOINT);
  }
  t.strictSame(times, wanted);
  t.end();
});
