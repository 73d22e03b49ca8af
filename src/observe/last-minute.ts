// last-minute.ts: listens to how requests end and keeps the last minute of it, by listener and by endpoint.

import type { LastMinute } from '../core/last-minute.ts';
import type { RequestObserver, RequestRecord } from '../core/record.ts';
import { Batch } from './batch.ts';
import { RecentWindow } from './recent-window.ts';

/** Endpoints come and go: beyond so many, those are forgotten that had nothing to do for a minute. */
const ENDPOINTS_BEFORE_SWEEP = 1024;

interface End {
  readonly record: RequestRecord;
  readonly atMs: number;
}

export function createLastMinute(clock: () => number): LastMinute & Pick<RequestObserver, 'ended'> {
  const listeners = new Map<string, RecentWindow>();
  const endpoints = new Map<string, RecentWindow>();
  const ends = new Batch<End>(({ record, atMs }) => {
    note(listeners, record.listener, record, atMs);
    if (record.endpoint === '') return;
    if (endpoints.size >= ENDPOINTS_BEFORE_SWEEP && !endpoints.has(record.endpoint)) sweep(endpoints, atMs);
    note(endpoints, record.endpoint, record, atMs);
  });
  return {
    ended(record) {
      ends.add({ record, atMs: clock() });
    },
    ofListener(name) {
      ends.flush();
      return listeners.get(name)?.read(clock());
    },
    ofEndpoint(id) {
      ends.flush();
      return endpoints.get(id)?.read(clock());
    },
  };
}

function note(windows: Map<string, RecentWindow>, key: string, record: RequestRecord, nowMs: number): void {
  let window = windows.get(key);
  if (window === undefined) {
    window = new RecentWindow(nowMs);
    windows.set(key, window);
  }
  window.note(record, nowMs);
}

function sweep(windows: Map<string, RecentWindow>, nowMs: number): void {
  for (const [key, window] of windows) if (window.isIdle(nowMs)) windows.delete(key);
}
