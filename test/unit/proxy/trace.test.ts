import { test } from 'tap';
import { traceOf } from '../../../src/proxy/trace.ts';

const TRACE = '12345678901234567890123456789012';
const PARENT = '1234567890123456';
const UUID = '00000000-0000-4000-8000-00000000000a';
const OURS = '800000000000000a';

test('a valid traceparent goes on with its trace and flags, and the router as the parent', async (t) => {
  for (const flags of ['00', '01', '03', 'ff']) {
    t.same(traceOf(`00-${TRACE}-${PARENT}-${flags}`, UUID), { traceId: TRACE, traceparent: `00-${TRACE}-${OURS}-${flags}`, isContinued: true });
  }
});

test('a later version is read as far as this one goes', async (t) => {
  for (const later of [`cc-${TRACE}-${PARENT}-01`, `cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`, `01-${TRACE}-${PARENT}-01-`]) {
    t.same(traceOf(later, UUID), { traceId: TRACE, traceparent: `00-${TRACE}-${OURS}-01`, isContinued: true }, later);
  }
});

/** After the cases of the W3C's own test suite. */
const INVALID: readonly (readonly [string, unknown])[] = [
  ['none', undefined],
  ['an empty one', ''],
  ['two of them', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
  ['version ff', `ff-${TRACE}-${PARENT}-01`],
  ['a version of one digit', `0-${TRACE}-${PARENT}-01`],
  ['a version of three digits', `000-${TRACE}-${PARENT}-01`],
  ['a version in capitals', `CC-${TRACE}-${PARENT}-01`],
  ['a version with other characters', `.0-${TRACE}-${PARENT}-01`],
  ['something behind version 00', `00-${TRACE}-${PARENT}-01-more`],
  ['a dash behind version 00', `00-${TRACE}-${PARENT}-01-`],
  ['something behind a later version without a dash', `cc-${TRACE}-${PARENT}-01.what`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a trace with other characters', `00-.${TRACE.slice(1)}-${PARENT}-01`],
  ['a trace in capitals', `00-ABCDEF78901234567890123456789012-${PARENT}-01`],
  ['a trace too long', `00-${TRACE}3-${PARENT}-01`],
  ['a trace too short', `00-${TRACE.slice(1)}-${PARENT}-01`],
  ['a parent of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a parent with other characters', `00-${TRACE}-.${PARENT.slice(1)}-01`],
  ['a parent too long', `00-${TRACE}-${PARENT}7-01`],
  ['a parent too short', `00-${TRACE}-${PARENT.slice(1)}-01`],
  ['flags with other characters', `00-${TRACE}-${PARENT}-.0`],
  ['flags too long', `00-${TRACE}-${PARENT}-001`],
  ['flags too short', `00-${TRACE}-${PARENT}-1`],
  ['other separators', `00_${TRACE}_${PARENT}_01`],
  ['space in front', ` 00-${TRACE}-${PARENT}-01`],
  ['a line end', `00-${TRACE}-${PARENT}-01\n`],
];

for (const [what, traceparent] of INVALID) {
  test(`${what}: a trace is begun`, async (t) => {
    t.same(traceOf(traceparent, UUID), { traceId: '0000000000004000800000000000000a', traceparent: `00-0000000000004000800000000000000a-${OURS}-00`, isContinued: false });
  });
}
