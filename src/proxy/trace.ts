// trace.ts: the W3C trace context of one request: continued when the client has one, begun when not.

export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** What the endpoint is told: the same trace, and the router as the parent. */
  readonly traceparent: string;
  /** The client's; otherwise its `tracestate` means nothing and stays behind. */
  readonly isContinued: boolean;
}

/** The version's own fields, and what a later version may add behind them. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const NOT_SAMPLED = '00';

/** Several headers are none, as is one that is malformed. A later version is read as far as this one goes. `uuid`: another one for each request; a trace that is begun is named by it. */
export function traceOf(traceparent: unknown, uuid: string): Trace {
  const [, version, traceId = '', parentId, flags = '', more] = typeof traceparent === 'string' ? (TRACEPARENT.exec(traceparent) ?? []) : [];
  const isValid = version !== undefined && version !== 'ff' && traceId !== NO_TRACE && parentId !== NO_SPAN && (version !== '00' || more === undefined);
  return isValid ? written(traceId, flags, true, uuid) : written(digitsOf(uuid), NOT_SAMPLED, false, uuid);
}

function written(traceId: string, flags: string, isContinued: boolean, uuid: string): Trace {
  // The second half of a UUID is never all zeros.
  return { traceId, traceparent: `00-${traceId}-${spanOf(uuid)}-${flags}`, isContinued };
}

/** The digits of a UUID stand in groups of 8, 4, 4, 4 and 12. */
function digitsOf(uuid: string): string {
  return uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + spanOf(uuid);
}

function spanOf(uuid: string): string {
  return uuid.slice(19, 23) + uuid.slice(24);
}
