import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { UsageFilter } from '../../../src/proxy/usage-filter.ts';
import { readAnswer } from '../../support/raw-client.ts';

function recorded(name: string): Buffer {
  return readAnswer(readFileSync(new URL(`../../captures/${name}.response`, import.meta.url))).body;
}

/** What passes of a stream cut at these offsets, its end included. */
function filtered(stream: Buffer, ...cuts: readonly number[]): Buffer {
  const filter = new UsageFilter();
  const bounds = [0, ...cuts, stream.length];
  const parts = cuts.concat(stream.length).flatMap((cut, i) => filter.feed(stream.subarray(bounds[i], cut)));
  return Buffer.concat([...parts, filter.end()]);
}

const FINGERPRINT = /,"system_fingerprint":"[^"]*"/;

/** The same by its text, an event at a time. */
function withoutUsage(stream: Buffer): Buffer {
  const events = stream.toString().split(/(?<=\n\n)/);
  const usage = events.findIndex((event) => event.includes('"choices":[],"usage":{'));
  const print = FINGERPRINT.exec(events[usage] ?? '')?.[0] ?? '';
  const finish = events.findLastIndex((event) => event.includes('"finish_reason":"'));
  const told = events.map((event, i) => (i === finish ? event.replace(/\}\n\n$/, `${print}}\n\n`) : event));
  return Buffer.from(told.toSpliced(usage, 1).join(''));
}

const ASKED = ['chat-stream-usage-cold', 'chat-stream-usage-warm', 'chat-stream-keep-alive', 'completions-stream-usage'];
const UNASKED = ['chat-stream-no-usage', 'messages-stream', 'responses-stream', 'overload-stream-error-in-200'];

test('a real stream with usage becomes the real stream without', (t) => {
  const sameRequest = (body: Buffer): string => body.toString().replaceAll(/chatcmpl-[0-9a-f]+/g, 'id').replaceAll(/"created":\d+/g, '"created":0');
  t.equal(sameRequest(filtered(recorded('chat-stream-usage-cold'))), sameRequest(recorded('chat-stream-no-usage')));
  t.end();
});

for (const name of ASKED) {
  test(`${name} loses its usage wherever it is cut`, (t) => {
    const stream = recorded(name);
    const expected = withoutUsage(stream);
    t.notSame(expected, stream);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      if (!filtered(stream, cut).equals(expected)) t.fail(`cut at ${cut}`);
    }
    t.ok(filtered(stream, ...Array.from(stream.keys())).equals(expected), 'byte by byte');
    const cuts = fc.uniqueArray(fc.nat(stream.length), { maxLength: 30 }).map((list) => list.toSorted((a, b) => a - b));
    fc.assert(fc.property(cuts, (list) => filtered(stream, ...list).equals(expected)), { numRuns: 300 });
    t.end();
  });
}

for (const name of UNASKED) {
  test(`${name}, which has no such event, passes as it is wherever it is cut`, (t) => {
    const stream = recorded(name);
    for (let cut = 0; cut <= stream.length; cut += 1) if (!filtered(stream, cut).equals(stream)) t.fail(`cut at ${cut}`);
    t.ok(filtered(stream, ...Array.from(stream.keys())).equals(stream), 'byte by byte');
    t.end();
  });
}

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const content = (text: string): string => event({ id: 'c', choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
const finish = event({ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
const usage = (more: object): string => event({ id: 'c', choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 }, ...more });
const DONE = 'data: [DONE]\n\n';

function eachWay(stream: string): string[] {
  const bytes = Buffer.from(stream);
  return [...new Set([[], ...Array.from(bytes.keys(), (cut) => [cut]), Array.from(bytes.keys())].map((cuts) => filtered(bytes, ...cuts).toString()))];
}

test('only the event with usage and no choices goes', (t) => {
  const stays = [
    content('"choices":[],"usage":{}') + finish + DONE,
    event({ choices: [], usage: null }) + event({ choices: [], filters: [] }) + content('a') + finish + DONE,
    event({ choices: [{ index: 0, delta: {}, finish_reason: null }], usage: { prompt_tokens: 5 } }) + finish + DONE,
    content('a') + event({ error: { message: 'engine died', code: 500 } }) + DONE,
    `event: x\ndata: {}\n\n\n\n: comment\n\ndata: a\ndata: b\n\n${finish}: comment\n\n${finish}${content('late')}${DONE}`,
  ];
  for (const stream of stays) {
    t.strictSame(eachWay(stream), [stream]);
    t.strictSame(eachWay(stream.replaceAll('\n', '\r\n')), [stream.replaceAll('\n', '\r\n')]);
  }
  t.strictSame(eachWay(content('a') + finish + usage({}) + DONE), [content('a') + finish + DONE]);
  t.strictSame(eachWay(`${content('a') + finish + usage({}).replaceAll(':', ': ')}${DONE}`), [content('a') + finish + DONE]);
  t.strictSame(eachWay((content('a') + finish + usage({}) + DONE).replaceAll('\n', '\r\n')), [(content('a') + finish + DONE).replaceAll('\n', '\r\n')]);
  t.end();
});

test('the fingerprint moves to the event that ends the answer, unless it stands there already', (t) => {
  const print = { system_fingerprint: 'v"1\\' };
  const stamped = finish.replace('}\n\n', `,"system_fingerprint":"v\\"1\\\\"}\n\n`);
  t.strictSame(eachWay(content('a') + finish + usage(print) + DONE), [content('a') + stamped + DONE]);
  t.strictSame(eachWay(`${content('a') + finish}: keep-alive\n\n${usage(print)}${DONE}`), [`${content('a') + stamped}: keep-alive\n\n${DONE}`]);
  t.strictSame(eachWay(content('a') + stamped + usage(print) + DONE), [content('a') + stamped + DONE]);
  const everywhere = event({ ...print, choices: [{ index: 0, delta: { content: 'a long one' }, finish_reason: 'stop' }] });
  t.strictSame(eachWay(everywhere + usage(print) + DONE), [everywhere + DONE]);
  t.end();
});

test('an event passes as soon as it is whole, and the one that ends the answer with the next', (t) => {
  const filter = new UsageFilter();
  const pass = (text: string): string => Buffer.concat(filter.feed(Buffer.from(text))).toString();
  t.equal(pass(': keep-alive\n\n'), ': keep-alive\n\n');
  t.equal(pass(content('a') + content('b')), content('a') + content('b'));
  t.equal(pass(finish), '');
  t.equal(pass(usage({})), finish);
  t.equal(pass(DONE), DONE);
  t.end();
});

test('an event that has begun passes as it comes once it has choices, but for its last few bytes', (t) => {
  const filter = new UsageFilter();
  const pass = (text: string): string => Buffer.concat(filter.feed(Buffer.from(text))).toString();
  t.equal(pass('data: {"id":"c","choices":['), '');
  const long = 'x'.repeat(1000);
  const passed = pass(`{"index":0,"delta":{"content":"${long}`);
  t.ok(passed.startsWith('data: {"id":"c","choices":[{"index":0,"delta":{"content":"xxx'));
  t.ok(pass(long).length === 1000);
  t.end();
});

test('a stream that breaks leaves what came of it, but for the usage', (t) => {
  const before = content('a') + finish;
  const usageEvent = usage({ system_fingerprint: 'v1' });
  const stream = Buffer.from(before + usageEvent);
  const known = usageEvent.indexOf(']') + 1;
  for (let length = 0; length < stream.length; length += 1) {
    for (const cut of [0, length >> 1, Math.max(0, length - 1)]) {
      const filter = new UsageFilter();
      const parts = [stream.subarray(0, cut), stream.subarray(cut, length)].flatMap((part) => filter.feed(part));
      const left = Buffer.concat([...parts, filter.end()]).toString();
      const expected = length >= before.length + known ? before : stream.toString('utf8', 0, length);
      if (left !== expected) t.fail(`cut at ${cut} of ${length}: ${left}`);
      if (filter.atBoundary !== (left === '' || left.endsWith('\n\n'))) t.fail(`boundary at ${cut} of ${length}`);
    }
  }
  t.end();
});

test('nothing waits for ever behind the event with the finish reason', (t) => {
  const filter = new UsageFilter();
  const finish = Buffer.from('data: {"choices":[{"finish_reason":"stop"}]}\n\n');
  const comment = Buffer.from(`: ${'x'.repeat(1_000)}\n\n`);
  const passed = [...filter.feed(finish)];
  t.same(passed, []);
  for (let i = 0; i < 500; i += 1) passed.push(...filter.feed(comment));
  t.ok(Buffer.concat(passed).length > 200_000, 'what has come has passed');
  passed.push(...filter.feed(Buffer.from('data: {"choices":[],"usage":{}}\n\n')), ...filter.feed(Buffer.from('data: [DONE]\n\n')), filter.end());
  t.equal(Buffer.concat(passed).toString(), finish + comment.toString().repeat(500) + 'data: [DONE]\n\n');
  t.end();
});
