import { test } from 'tap';

import type { RequestObserver } from '../../../src/core/record.ts';
import { createObserver } from '../../../src/observe/observer.ts';
import { sampleRecord } from './sample-record.ts';

function noting(name: string, notes: unknown[][]): RequestObserver {
  return {
    chosen: (...told) => notes.push([name, 'chosen', ...told]),
    retried: (...told) => notes.push([name, 'retried', ...told]),
    ended: (...told) => notes.push([name, 'ended', ...told]),
  };
}

test('log and metrics are both told everything, the last minute of ends alone', (t) => {
  const notes: unknown[][] = [];
  const observer = createObserver(noting('log', notes), noting('metrics', notes), noting('last minute', notes));
  const record = sampleRecord();
  observer.chosen(record);
  observer.retried(record, 'stale');
  observer.ended(record);
  t.strictSame(notes, [
    ['log', 'chosen', record],
    ['metrics', 'chosen', record],
    ['log', 'retried', record, 'stale'],
    ['metrics', 'retried', record, 'stale'],
    ['log', 'ended', record],
    ['metrics', 'ended', record],
    ['last minute', 'ended', record],
  ]);
  t.end();
});
