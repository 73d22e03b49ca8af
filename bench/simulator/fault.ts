// fault.ts: what can be made to go wrong with a simulated server.

/** One command. `times` is how many requests it hits (left out: all until `heal`), `path` what their paths begin with (left out: all). */
export type Fault =
  /** Closes the port and resets every connection. */
  | { readonly kind: 'die' }
  /** Resets every connection and starts again as a new process with an empty cache, after the port was closed for `downMs`. */
  | { readonly kind: 'restart'; readonly downMs?: number }
  /** Accepts connections and never answers. */
  | { readonly kind: 'hang'; readonly times?: number; readonly path?: string }
  /** Reads a request's head and resets its connection before any answer. */
  | { readonly kind: 'reset'; readonly times?: number; readonly path?: string }
  /** Streams, old and new, fall silent and stay open. */
  | { readonly kind: 'hang-streams' }
  /** Answers everything with this status. */
  | { readonly kind: 'status'; readonly status: number; readonly times?: number; readonly path?: string }
  /** Ends a stream after so many events: with a reset, or `clean` with the end of the body but no `[DONE]`. */
  | { readonly kind: 'cut'; readonly afterEvents: number; readonly clean?: boolean; readonly times?: number }
  /** Sends an error as the first event of a 200. */
  | { readonly kind: 'error-first'; readonly status?: 500 | 503; readonly times?: number }
  /** Ends what is in flight with finish_reason "abort", and the next `times` requests (0) before their first token. */
  | { readonly kind: 'abort'; readonly times?: number }
  /** Finishes what is in flight and refuses new requests with a 500, while /health stays 200. */
  | { readonly kind: 'drain' }
  /**
   * Begins to shut down, as at SIGTERM: /health turns 503 at once and the port closes after `closeMs` (500). `abort` ends what is in flight, and what
   * still comes in, with finish_reason "abort"; `silent` leaves all of it open without another byte until its client goes.
   */
  | { readonly kind: 'stop'; readonly manner: 'abort' | 'silent'; readonly closeMs?: number }
  | { readonly kind: 'engine-dead' }
  /** The weights are off the GPU and the cache is empty: /health stays 200, requests wait until `heal`. */
  | { readonly kind: 'sleep' }
  /** The scheduler stands still: requests wait until `heal`, and nothing tells of it. */
  | { readonly kind: 'pause' }
  /** Empties the cache without a sign. */
  | { readonly kind: 'flush' }
  | { readonly kind: 'slow'; readonly factor: number }
  /** Ends all lasting faults but `die` and `stop`, which `restart` ends. */
  | { readonly kind: 'heal' };

/** The faults that last, as the server consults them. */
export interface FaultState {
  hang: Limited<OnPath> | undefined;
  reset: Limited<OnPath> | undefined;
  hangStreams: boolean;
  drain: boolean;
  stopping: boolean;
  asleep: boolean;
  engineDead: boolean;
  status: Limited<OnPath & { readonly status: number }> | undefined;
  cut: Limited<{ readonly afterEvents: number; readonly clean: boolean }> | undefined;
  errorFirst: Limited<{ readonly status: 500 | 503 }> | undefined;
  abort: Limited<object> | undefined;
}

type Limited<T> = T & { left: number };

interface OnPath {
  readonly path: string;
}

export function noFaults(): FaultState {
  return {
    hang: undefined,
    reset: undefined,
    hangStreams: false,
    drain: false,
    stopping: false,
    asleep: false,
    engineDead: false,
    status: undefined,
    cut: undefined,
    errorFirst: undefined,
    abort: undefined,
  };
}

/** The fault if it still hits, counted down by this request. */
export function strike<T>(fault: Limited<T> | undefined): Limited<T> | undefined {
  if (fault === undefined || fault.left <= 0) return undefined;
  fault.left -= 1;
  return fault;
}

/** The same for a fault of some paths only. */
export function strikeOn<T extends OnPath>(fault: Limited<T> | undefined, path: string): Limited<T> | undefined {
  return fault !== undefined && path.startsWith(fault.path) ? strike(fault) : undefined;
}

const kinds = new Set<string>([
  'die', 'restart', 'hang', 'reset', 'hang-streams', 'status', 'cut', 'error-first', 'abort', 'drain', 'stop', 'engine-dead', 'sleep', 'pause', 'flush', 'slow', 'heal',
] satisfies Fault['kind'][]);

const needed: Record<string, string> = { status: 'status', cut: 'afterEvents', slow: 'factor' };

/** Checks a command that came over HTTP. */
export function readFault(body: Record<string, unknown>): Fault {
  const kind = String(body['kind']);
  if (!kinds.has(kind)) throw new TypeError(`unknown fault '${kind}': wanted one of ${[...kinds].join(', ')}`);
  const field = needed[kind];
  if (field !== undefined && typeof body[field] !== 'number') throw new TypeError(`fault '${kind}' needs a number '${field}'`);
  if (kind === 'stop' && body['manner'] !== 'abort' && body['manner'] !== 'silent') throw new TypeError("fault 'stop' needs a 'manner': abort or silent");
  return body as unknown as Fault;
}
