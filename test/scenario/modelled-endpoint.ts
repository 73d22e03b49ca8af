// modelled-endpoint.ts: a vLLM server in virtual time, as far as a router can tell: how it answers probes and what becomes of a request.

import type { Clock } from '../../src/core/clock.ts';
import type { GetRequest, GetResult } from '../../src/pool/http-get.ts';
import type { Schedule } from '../../src/pool/schedule.ts';

export type Mood =
  | 'well'
  /** Refuses connections. */
  | 'dead'
  /** Accepts connections and says nothing, not to probes either. */
  | 'hung'
  /** Healthy, but new requests wait for ever. */
  | 'asleep'
  | 'draining'
  | 'engine-dead'
  /** Every request is a 500, while probes succeed. */
  | 'erring'
  | 'overloaded'
  /** Gives up before the first token. */
  | 'aborting';

export const MOODS: readonly Mood[] = ['dead', 'hung', 'asleep', 'draining', 'engine-dead', 'erring', 'overloaded', 'aborting'];

const METRICS = (startedS: number, asleep: boolean): string =>
  `vllm:engine_sleep_state{engine="0",sleep_state="awake"} ${asleep ? 0 : 1}\nprocess_start_time_seconds ${startedS}\nvllm:num_requests_running{engine="0"} 0\nvllm:num_requests_waiting{engine="0"} 0\n` +
  'vllm:cache_config_info{block_size="16",num_gpu_blocks="1000",enable_prefix_caching="True",engine="0"} 1.0\n';
const MODELS = JSON.stringify({ object: 'list', data: [{ id: 'm', object: 'model', parent: null }] });

export class ModelledEndpoint {
  readonly host: string;
  mood: Mood = 'well';
  #startedS = 1;
  readonly #clock: Clock;
  readonly #schedule: Schedule;

  constructor(host: string, clock: Clock, schedule: Schedule) {
    this.host = host;
    this.#clock = clock;
    this.#schedule = schedule;
  }

  /** Well again; after death as a new process. */
  recover(): void {
    if (this.mood === 'dead' || this.mood === 'engine-dead') this.#startedS = this.#clock() + 1;
    this.mood = 'well';
  }

  get({ path, timeoutMs }: GetRequest): Promise<GetResult> {
    if (this.mood === 'dead') return Promise.resolve({ kind: 'refused' });
    if (this.mood === 'hung') return new Promise((resolve) => void this.#schedule(timeoutMs, () => resolve({ kind: 'failed', why: 'timeout' })));
    if (path === '/health') return Promise.resolve({ kind: 'answer', status: this.mood === 'engine-dead' ? 503 : 200, body: '' });
    return Promise.resolve({ kind: 'answer', status: 200, body: path === '/metrics' ? METRICS(this.#startedS, this.mood === 'asleep') : MODELS });
  }
}
