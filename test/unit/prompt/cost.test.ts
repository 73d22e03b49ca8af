import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import type { Surface } from '../../../src/core/request.ts';
import { JsonLimits } from '../../../src/prompt/json-limits.ts';
import { replaceMember } from '../../../src/prompt/splice.ts';
import { readText } from './reading.ts';

const BYTES = 1_200_000;
/** More is refused. */
const VALUES = 99_000;
/** Most bodies take 2 to 8 times as long to read as to parse, whatever they are made of: this is for busy machines. */
const RATIO_MAX = 30;
const BLOCKS_MAX = 16_384;
/** What never ends is stopped. */
const READ_MS_MAX = 60_000;

const limits = new JsonLimits(1);

const bodies: readonly (readonly [string, Surface, string])[] = [
  ['messages that are empty lists', 'chat', `{"messages":[${filled('[]')}]}`],
  ['messages that are numbers', 'chat', `{"messages":[${filled('1')}]}`],
  ['messages of one letter', 'messages', `{"messages":[${filled('{"role":"user","content":"x"}')}]}`],
  ['parts that are empty objects', 'chat', `{"messages":[{"role":"user","content":[${filled('{}')}]}]}`],
  ['parts that are nothing', 'chat', `{"messages":[{"role":"user","content":[${filled('null')}]}]}`],
  ['parts that are text or not by turns', 'chat', `{"messages":[{"role":"user","content":[${filled('"a",1')}]}]}`],
  ['tool calls that are numbers', 'chat', `{"messages":[{"role":"assistant","tool_calls":[${filled('1')}]}]}`],
  ['tools that are numbers', 'chat', `{"tools":[${filled('1')}],"messages":[]}`],
  ['a tool of distinct keys', 'chat', `{"tools":[{${Array.from({ length: 9_990 }, (_, i) => `"${Math.imul(i, 0x9e3779b1).toString(36)}":1`).join(',')}}],"messages":[]}`],
  ['items of no known type', 'responses', `{"input":[${filled('{"type":"x"}')}]}`],
  ['many prompts behind a long salt', 'completions', `{"cache_salt":"${'s'.repeat(BYTES)}","prompt":[${Array.from({ length: 1_024 }, () => '"x"').join(',')}]}`],
  // Many bytes are counted here for each that is sent, so a block is longer than what is hashed at a time.
  ['a text behind 8,300 pictures', 'chat', `{"messages":[{"role":"user","content":[${'{},'.repeat(8_300)}"${'a'.repeat(140_000)}"]}]}`],
  ['a text of wide characters behind 20,000 pictures', 'chat', `{"messages":[{"role":"user","content":[${'{},'.repeat(20_000)}"${'😀'.repeat(200_000)}"]}]}`],
  ['nearly four million token ids', 'completions', `{"prompt":[${'1,'.repeat(3_900_000)}1]}`],
  ['a text of 36 MB', 'completions', `{"prompt":"${'\uFFFD'.repeat(12_000_000)}"}`],
];

function filled(element: string): string {
  const values = element.split(/,|(?=:)/).length;
  return `${`${element},`.repeat(Math.min(BYTES / (element.length + 1), VALUES / values))}null`;
}

test('reading a body takes a small multiple of the time of parsing it, and at most 16,384 blocks, whatever it is made of', (t) => {
  for (const [name, surface, body] of bodies) {
    const parseMs = cpuMs(() => JSON.parse(body));
    let blocks = 0;
    const read = () => {
      blocks = readText(surface, body).prompts[0].length;
    };
    const bounded = () => runInNewContext('read()', { read }, { timeout: READ_MS_MAX });
    // Whatever is compiled or collected meanwhile is not to be had twice.
    const readMs = Math.min(cpuMs(bounded), cpuMs(bounded));
    t.ok(readMs < RATIO_MAX * Math.max(parseMs, 3), `${name}: ${readMs} ms, and ${parseMs} ms to parse`);
    t.ok(blocks <= BLOCKS_MAX, `${name}: ${blocks} blocks`);
  }
  t.end();
});

test('what is done with the names of 99,000 members takes at most half as long again as parsing them, escaped or not', (t) => {
  for (const member of ['"a":1', '"\\n":1', '"c\\u0061che":1']) {
    const body = `{${`${member},`.repeat(VALUES)}"cache_salt":"x"}`;
    const bytes = Buffer.from(body);
    const parseMs = leastMs(() => JSON.parse(body));
    for (const [what, act] of [['counting', () => limits.check(bytes)], ['finding one', () => replaceMember(bytes, 'cache_salt', 'y')]] as const) {
      const ms = leastMs(act);
      t.ok(ms < 1.5 * parseMs, `${member}, ${what}: ${ms} ms, and ${parseMs} ms to parse`);
    }
  }
  t.end();
});

/** In the best of some runs: what is compiled or collected meanwhile does not count. */
function leastMs(run: () => void): number {
  return Math.min(...Array.from({ length: 15 }, () => cpuMs(run)));
}

/** Of this process: other processes do not count. */
function cpuMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
