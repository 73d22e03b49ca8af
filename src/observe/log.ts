// log.ts: JSON lines for operators, one a request and one for each thing that happens to an endpoint or to the router.

import { pino } from 'pino';
import type { Logger } from 'pino';

import type { Random } from '../core/random.ts';
import type { RequestObserver } from '../core/record.ts';
import { logEvents } from './log-events.ts';
import type { EventLog } from './log-events.ts';
import { logRequests } from './log-requests.ts';
import { standardOutput } from './standard-output.ts';
import type { LogDestination } from './standard-output.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** Share of the requests that went well which are logged, 0 to 1. What went wrong is always logged. */
  readonly sampleRatio: number;
  /** Match ratio above which `prefix-threshold` chooses by prefix. */
  readonly matchRatioMin: number;
  readonly random: Random;
  /** Standard output when left out. */
  readonly destination?: LogDestination;
}

export interface Log extends RequestObserver, EventLog {}

/** Every field of a line is named where it is written: nothing is spread into one, so nothing that a client sent can slip in. */
export function createLog(options: LogOptions): Log {
  const logger: Logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: isoTime(),
      formatters: { level: (level) => ({ level }) },
    },
    options.destination ?? standardOutput(),
  );
  return { ...logRequests(logger, options), ...logEvents(logger) };
}

/** Times as ISO 8601. The part up to the second is made once a second: with `toISOString` each line costs 6 µs more in a busy process. */
function isoTime(): () => string {
  let second = -1;
  let upToSecond = '';
  return () => {
    const nowMs = Date.now();
    const now = Math.floor(nowMs / 1000);
    if (now !== second) {
      second = now;
      upToSecond = new Date(nowMs).toISOString().slice(0, -4);
    }
    return `,"time":"${upToSecond}${String(nowMs - now * 1000).padStart(3, '0')}Z"`;
  };
}
