// observer.ts: tells each observer in turn, so that the relaying side knows only one.

import type { RequestObserver } from '../core/record.ts';

/** `lastMinute` is told of ends alone. */
export function createObserver(log: RequestObserver, metrics: RequestObserver, lastMinute: Pick<RequestObserver, 'ended'>): RequestObserver {
  return {
    chosen(record) {
      log.chosen(record);
      metrics.chosen(record);
    },
    retried(record, reason) {
      log.retried(record, reason);
      metrics.retried(record, reason);
    },
    ended(record) {
      log.ended(record);
      metrics.ended(record);
      lastMinute.ended(record);
    },
  };
}
