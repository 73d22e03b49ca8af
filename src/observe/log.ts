// log.ts: JSON lines for operators, one a request and one for each thing that happens to an endpoint or to the router.

import { pino } from 'pino';
import type { Logger } from 'pino';

import type { Random } from '../core/random.ts';
import type { RequestObserver } from '../core/record.ts';
import { logEvents } from './log-events.ts';
import type { EventLog } from './log-events.ts';
import { logRequests } from './log-requests.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Takes whole lines, line feed included. */
export interface LogDestination {
  write(line: string): void;
}

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

/** Lines that wait for a reader of standard output who is slower than we are; more are dropped. */
const UNWRITTEN_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Every field of a line is named where it is written: nothing is spread into one, so nothing that a client sent can slip in.
 *
 * Standard output is written behind the event loop's back, so a full pipe stalls no request; what is left is flushed at exit.
 */
export function createLog(options: LogOptions): Log {
  const destination = options.destination ?? pino.destination({ dest: 1, sync: false, maxLength: UNWRITTEN_BYTES_MAX });
  const logger: Logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  );
  return { ...logRequests(logger, options), ...logEvents(logger) };
}
