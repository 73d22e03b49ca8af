// monitor.ts: finds out how each endpoint is, by probes, scrapes and its list of models.

import type { Endpoint } from './endpoint.ts';
import type { GetRequest, GetResult, HttpGet } from './http-get.ts';
import { readLoadSample } from './load-sample.ts';
import { readModelsList } from './models-list.ts';
import { repeat, type Rhythm } from './schedule.ts';

/** Adapters come and go while an engine runs. */
const MODELS_INTERVAL_MS = 10_000;
/** At most, while an endpoint is down: who comes back is wanted soon. */
const DOWN_INTERVAL_MS = 500;

export interface Monitor {
  /** Probes at once, and from then on. */
  watch(endpoint: Endpoint): void;
  unwatch(endpoint: Endpoint): void;
  /** Probes it soon: something has just been found out about it. */
  hurry(endpoint: Endpoint): void;
  stop(): void;
}

interface Watch {
  end(): void;
  hurry(): void;
}

export function createMonitor(get: HttpGet, rhythm: Rhythm): Monitor {
  const watched = new Map<Endpoint, Watch>();
  return {
    watch(endpoint) {
      if (!watched.has(endpoint)) watched.set(endpoint, watchEndpoint(endpoint, get, rhythm));
    },
    unwatch(endpoint) {
      watched.get(endpoint)?.end();
      watched.delete(endpoint);
    },
    hurry(endpoint) {
      watched.get(endpoint)?.hurry();
    },
    stop() {
      for (const watch of watched.values()) watch.end();
      watched.clear();
    },
  };
}

/**
 * A failed scrape or list of models is no failed probe: the old knowledge stays.
 *
 * Before an endpoint comes up it is scraped and asked for its models, so that a restart is known of, and who it serves, when the
 * first request is sent there.
 */
function watchEndpoint(endpoint: Endpoint, get: HttpGet, rhythm: Rhythm): Watch {
  let stopped = false;
  let modelsReadMs = -Infinity;
  let scraping: Promise<void> | undefined;

  // Address and settings are read for each request: a reload replaces them.
  const ask = (path: string, connection: GetRequest['connection']): Promise<GetResult> => {
    const { origin, apiKey } = endpoint.address;
    return get({ origin, path, apiKey, connection, timeoutMs: endpoint.settings.probe.timeoutMs });
  };
  const downIntervalMs = (): number => Math.min(endpoint.settings.probe.intervalMs, DOWN_INTERVAL_MS);
  const isUp = (): boolean => endpoint.health === 'healthy' && !endpoint.ejectedUntilProbe;
  /** For what is read beside the probes. While it is down, what was kept is from before. */
  const read = (path: string): Promise<GetResult> => ask(path, isUp() ? 'kept' : 'new');

  async function takeSample(): Promise<void> {
    const result = await read(endpoint.settings.scrape.path);
    scraping = undefined;
    if (stopped) return;
    if (succeeded(result)) endpoint.noteSample(readLoadSample(result.body, rhythm.clock()));
    // A server that says no does react.
    else if (result.kind !== 'answer') endpoint.noteScrapeFailed(rhythm.clock());
  }

  function scrapeOnce(): Promise<void> {
    scraping ??= takeSample();
    return scraping;
  }

  async function readModels(): Promise<void> {
    const result = await read('/v1/models');
    const models = succeeded(result) ? readModelsList(result.body) : undefined;
    if (stopped || models === undefined) return;
    modelsReadMs = rhythm.clock();
    endpoint.noteModels(models);
  }

  async function probeOnce(): Promise<number> {
    const wasUp = isUp();
    const result = await ask(endpoint.settings.probe.path, 'new');
    if (!stopped) await (succeeded(result) ? noteSuccess(wasUp) : noteFailure(result));
    return isUp() ? endpoint.settings.probe.intervalMs : downIntervalMs();
  }

  async function noteSuccess(wasUp: boolean): Promise<void> {
    // A request was refused while the probe was under way, so the probe may be older than what it seems to deny.
    if (wasUp && !isUp()) return;
    if (!wasUp) await Promise.all([scrapeOnce(), readModels()]);
    if (stopped) return;
    endpoint.noteProbeSucceeded(rhythm.clock());
    if (rhythm.clock() - modelsReadMs >= MODELS_INTERVAL_MS) await readModels();
  }

  function noteFailure(result: GetResult): void {
    if (result.kind === 'refused') endpoint.noteUnreachable();
    endpoint.noteProbeFailed(whyFailed(result), rhythm.clock());
  }

  async function scrapeWhenUp(): Promise<number> {
    if (isUp()) await scrapeOnce();
    return endpoint.settings.scrape.intervalMs;
  }

  const probes = repeat(probeOnce, 0, rhythm);
  const scrapes = repeat(scrapeWhenUp, endpoint.settings.scrape.intervalMs * rhythm.random(), rhythm);
  return {
    end() {
      stopped = true;
      probes.end();
      scrapes.end();
    },
    hurry: () => probes.hurry(downIntervalMs()),
  };
}

function succeeded(result: GetResult): result is GetResult & { kind: 'answer' } {
  return result.kind === 'answer' && result.status >= 200 && result.status < 300;
}

function whyFailed(result: GetResult): string {
  if (result.kind === 'refused') return 'connection refused';
  return result.kind === 'answer' ? `status ${result.status}` : result.why;
}
