// watched-endpoint.ts: an endpoint whose answers can be set, watched in virtual time.

import type { GetResult, HttpGet } from '../../../src/pool/http-get.ts';
import { createMonitor } from '../../../src/pool/monitor.ts';
import type { PoolSettings } from '../../../src/pool/settings.ts';
import { oneEndpoint, virtualTime } from './fixture.ts';

export const answer = (body: string, status = 200): GetResult => ({ kind: 'answer', status, body });
export const REFUSED: GetResult = { kind: 'refused' };

/** What was asked is written down as `time path`. */
export function watchedEndpoint(settings: Partial<PoolSettings> = {}) {
  const time = virtualTime();
  const { endpoint, peers, seen } = oneEndpoint(settings);
  const answers = new Map<string, GetResult>([
    ['/health', answer('')],
    ['/metrics', answer('process_start_time_seconds 1\nvllm:num_requests_running 2\n')],
    ['/v1/models', answer('{"data":[{"id":"m"}]}')],
  ]);
  const asked: string[] = [];
  const connections: string[] = [];
  const keys: string[] = [];
  const get: HttpGet = async ({ path, connection, origin, apiKey, timeoutMs }) => {
    keys.push(`${origin} ${apiKey} ${timeoutMs}`);
    asked.push(`${time.clock()} ${path}`);
    connections.push(`${connection} ${path}`);
    return answers.get(path) ?? answer('', 404);
  };
  const monitor = createMonitor(get, time);
  monitor.watch(endpoint);
  return { time, endpoint, peers, seen, answers, asked, connections, keys, monitor };
}

/** How often a path was asked for. */
export const count = (asked: readonly string[], path: string): number => asked.filter((each) => each.endsWith(path)).length;
