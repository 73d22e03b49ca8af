// log-events.ts: what the log says of endpoints and of the router itself. Rare, so nothing here is sampled.

import type { Logger } from 'pino';

import type { EndpointAddress } from '../core/dispatcher.ts';

/** What of an endpoint is written down. Never its key. */
type NamedEndpoint = Pick<EndpointAddress, 'id' | 'pool'>;

type InaccuracyCause = 'prefix-caching-off' | 'other-traffic' | 'unknown';

/** What asked for a reload. */
export type ReloadTrigger = 'file' | 'signal' | 'admin';

type ShutdownPhase = 'settling' | 'draining' | 'cut_off' | 'done';

export interface EventLog {
  /** `why`: what the last probe said, in plain words. */
  endpointHealth(endpoint: NamedEndpoint, healthy: boolean, why: string): void;
  endpointEjected(endpoint: NamedEndpoint, why: string): void;
  /** It takes requests again. */
  endpointReturned(endpoint: NamedEndpoint): void;
  /** Its engine lets requests wait; undefined: it works again. */
  endpointHalted(endpoint: NamedEndpoint, halted: 'asleep' | 'paused' | undefined): void;
  /** Too few endpoints of the pool are available, or enough are again. */
  poolPanic(pool: string, panics: boolean): void;
  /** What was thought to be in its KV cache is forgotten. */
  endpointRestarted(endpoint: NamedEndpoint): void;
  /** Predictions for it stay wrong: by `errorRatio` of the prompt tokens, lately. */
  predictionsInaccurate(endpoint: NamedEndpoint, errorRatio: number, cause: InaccuracyCause): void;
  /** Its answers say how long prompts are, but not what of them was cached. */
  cachedTokensMissing(endpoint: NamedEndpoint): void;
  /** Its answers do not say how long prompts are. */
  usageMissing(endpoint: NamedEndpoint): void;
  /** Discovery found another set: ids of the endpoints. */
  endpointsChanged(pool: string, added: readonly string[], removed: readonly string[]): void;
  /** Discovery found nothing or failed; the last good set stays. */
  discoveryFailed(pool: string, name: string, why: string): void;
  /** `address` is a URL; port 0 has become the real one. */
  listening(listener: string, address: string): void;
  shutdown(phase: ShutdownPhase, inFlight: number): void;
  /** A moved or removed listener: no new connections, what runs there is finished. */
  listenerLeaves(listener: string, address: string): void;
  /** An operator drains an endpoint, or undoes that. */
  endpointDrained(endpoint: NamedEndpoint, drained: boolean): void;
  /** Another configuration holds from here on. */
  configReloaded(trigger: ReloadTrigger, file: string): void;
  /** The one before stays. `problems`: as `warmroute check` prints them. */
  configRejected(trigger: ReloadTrigger, file: string, problems: readonly string[]): void;
  /** Nothing was tried: `why` says what stands against it. */
  reloadRefused(trigger: ReloadTrigger, why: string): void;
  /** Changes there are not noticed; signals and requests still reload. */
  configUnwatched(folder: string, why: string): void;
  /** Something that is a mistake of the router's own. */
  unexpected(where: string, error: unknown): void;
}

const LIKELY: Record<InaccuracyCause, string> = {
  'prefix-caching-off': 'prefix caching is switched off in this engine (--enable-prefix-caching)',
  'other-traffic': "another router's or other clients' traffic changes its cache (set the pool's `shared: true`)",
  unknown: 'its KV cache is smaller than kv_cache_tokens, or it renders prompts differently from how they were sent',
};

const SHUTDOWN_MESSAGES: Record<ShutdownPhase, string> = {
  settling: 'not ready any more, still serving',
  draining: 'no new connections, finishing requests',
  cut_off: 'deadline reached, cutting requests off',
  done: 'stopped',
};

export function logEvents(logger: Logger): EventLog {
  return {
    endpointHealth({ id, pool }, healthy, why) {
      if (healthy) logger.info({ pool, endpoint: id, reason: why }, 'endpoint is healthy');
      else logger.warn({ pool, endpoint: id, reason: why }, 'endpoint is unhealthy');
    },
    endpointEjected({ id, pool }, why) {
      logger.warn({ pool, endpoint: id, reason: why }, 'endpoint is ejected');
    },
    endpointReturned({ id, pool }) {
      logger.info({ pool, endpoint: id }, 'endpoint is back from its ejection');
    },
    endpointHalted({ id, pool }, halted) {
      if (halted === undefined) logger.info({ pool, endpoint: id }, 'engine works again');
      else logger.warn({ pool, endpoint: id }, `engine is ${halted}, endpoint gets no requests`);
    },
    poolPanic(pool, panics) {
      if (panics) logger.warn({ pool }, 'too few endpoints are available, ejections by errors are ignored');
      else logger.info({ pool }, 'enough endpoints are available again');
    },
    endpointRestarted({ id, pool }) {
      logger.warn({ pool, endpoint: id }, 'endpoint restarted');
    },
    predictionsInaccurate({ id, pool }, errorRatio, cause) {
      logger.warn({ pool, endpoint: id, error_ratio: Math.round(errorRatio * 1000) / 1000, likely: LIKELY[cause] }, 'predictions of cached tokens stay wrong');
    },
    cachedTokensMissing({ id, pool }) {
      logger.warn({ pool, endpoint: id, likely: '--enable-prompt-tokens-details is missing in this engine' }, 'answers do not report cached tokens');
    },
    usageMissing({ id, pool }) {
      logger.warn({ pool, endpoint: id, likely: 'streams are not asked for usage: set `usage: ask` for the pool, or let clients send stream_options.include_usage' }, 'answers carry no usage');
    },
    endpointsChanged(pool, added, removed) {
      logger.info({ pool, added, removed }, 'endpoints changed');
    },
    discoveryFailed(pool, name, why) {
      logger.warn({ pool, name, reason: why }, 'discovery failed, keeping the last endpoints');
    },
    listening(listener, address) {
      logger.info({ listener, address }, 'listening');
    },
    shutdown(phase, inFlight) {
      logger.info({ phase, in_flight: inFlight }, SHUTDOWN_MESSAGES[phase]);
    },
    listenerLeaves(listener, address) {
      logger.info({ listener, address }, 'not listening any more, finishing requests');
    },
    endpointDrained({ id, pool }, drained) {
      logger.info({ pool, endpoint: id }, drained ? 'endpoint is drained by an operator' : 'endpoint is no longer drained by an operator');
    },
    configReloaded(trigger, file) {
      logger.info({ trigger, file }, 'configuration reloaded');
    },
    configRejected(trigger, file, problems) {
      logger.error({ trigger, file, problems }, 'configuration not reloaded, the one before stays');
    },
    reloadRefused(trigger, why) {
      logger.warn({ trigger, reason: why }, 'no reload');
    },
    configUnwatched(folder, why) {
      logger.warn({ folder, reason: why }, 'changes of the configuration are not noticed');
    },
    unexpected(where, error) {
      // Named fields only: errors of HTTP libraries carry headers and bodies along.
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      logger.error({ where, error: name, reason: message, stack }, 'unexpected error');
    },
  };
}
