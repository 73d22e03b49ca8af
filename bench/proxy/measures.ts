// measures.ts: what is measured of a proxy, under which load, and what is wanted of the router beside its reference.

import { setTimeout as sleep } from 'node:timers/promises';
import { ChatRequests } from './chat-requests.ts';
import type { Running } from './contestants.ts';
import { sendRequests, Streams } from './load.ts';
import { cpuTimeUs, residentKib } from './process-cost.ts';
import type { UpstreamCommand } from './upstream-process.ts';

/** What the router may cost, given what the reference costs. */
export type Target = { readonly kind: 'ratio'; readonly max: number } | { readonly kind: 'added'; readonly max: number };

export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly target: Target;
  /** How long a process is measured before another one takes its place. Two of the same program differ by as much as is to be told apart. */
  readonly processLives: 'to the end' | 'a pair' | 'a turn';
  /** How often it is taken in turn for one pair. */
  readonly turns: number;
  /** Once for each process, before it counts. */
  warm(proxy: Running): Promise<void>;
  /** The cost of one request, chunk or stream. */
  take(proxy: Running): Promise<number>;
}

const SAMPLE_MS = 2500;
/** The machine's speed changes within seconds, by more than what is to be told apart: so requests are sent in short turns, so many for one pair. */
const TURNS = 6;
const TURN_MS = 1000;
/** Work that a proxy puts off, such as lines of a log, belongs to the requests that it is for. */
const PUT_OFF_MS = 150;
/** As fast as it goes, until the compiler is done too: the router's is after about 25,000 requests of 2 KB. */
const WARM_MS = 15_000;
/** Before memory is weighed. */
const SERVED_PER_S = 2000;
const SERVED_MS = 10_000;
const STREAMS_BEFORE = 1000;
const CHUNKS_PER_STREAM_S = 50;
/** A relay that falls behind sees several chunks as one, which makes each look cheap. */
const DELIVERED_MIN = 0.95;

export function measures(engines: (command: UpstreamCommand) => void): readonly Measure[] {
  return [
    requests('2 KB request', 2048, 1200, { kind: 'ratio', max: 1.5 }),
    requests('128 KB request', 131_072, 200, { kind: 'added', max: 1000 }),
    chunks(200, engines),
    chunks(1000, engines),
    idleStreams(3000),
  ];
}

function requests(name: string, bodyBytes: number, perSecond: number, target: Target): Measure {
  const bodies = new ChatRequests(bodyBytes, false);
  return {
    name,
    unit: 'µs',
    target,
    processLives: 'a pair',
    turns: TURNS,
    async warm(proxy) {
      await sendRequests(proxy.port, bodies, 3 * perSecond, WARM_MS);
    },
    async take(proxy) {
      const beforeUs = cpuTimeUs(proxy.pid);
      const answered = await sendRequests(proxy.port, bodies, perSecond, TURN_MS);
      await sleep(PUT_OFF_MS);
      return (cpuTimeUs(proxy.pid) - beforeUs) / answered;
    },
  };
}

function chunks(count: number, engines: (command: UpstreamCommand) => void): Measure {
  const bodies = new ChatRequests(2048, true);
  const take = async (proxy: Running): Promise<number> => {
    const streams = new Streams();
    await streams.open(proxy.port, bodies, count);
    engines('tick');
    await sleep(SAMPLE_MS / 5);
    const beforeUs = cpuTimeUs(proxy.pid);
    const beforeChunks = streams.chunks;
    const startMs = performance.now();
    await sleep(SAMPLE_MS);
    const usedUs = cpuTimeUs(proxy.pid) - beforeUs;
    const relayed = streams.chunks - beforeChunks;
    const delivered = relayed / (((performance.now() - startMs) / 1000) * count * CHUNKS_PER_STREAM_S);
    engines('rest');
    await sleep(SAMPLE_MS / 10);
    engines('finish');
    await streams.end();
    if (delivered < DELIVERED_MIN) process.stdout.write(`  (${proxy.name} or the load kept up with only ${Math.round(delivered * 100)} % of ${count} streams)\n`);
    return usedUs / relayed;
  };
  return {
    name: `chunk, ${count} streams × ${CHUNKS_PER_STREAM_S}/s`,
    unit: 'µs',
    target: { kind: 'ratio', max: 1.25 },
    processLives: 'to the end',
    turns: 1,
    async warm(proxy) {
      await take(proxy);
    },
    take,
  };
}

/**
 * What one more stream takes in a process that has served. The first requests and streams make the heap's young generation, compiled code and the prefix
 * index grow to what they stay at, which is nothing that the next stream costs.
 */
function idleStreams(count: number): Measure {
  const bodies = new ChatRequests(2048, true);
  return {
    name: `memory of an idle stream, ${count} more`,
    unit: 'KiB',
    target: { kind: 'ratio', max: 1.25 },
    processLives: 'a turn',
    turns: 1,
    async warm() {},
    async take(proxy) {
      await sendRequests(proxy.port, new ChatRequests(2048, false), SERVED_PER_S, SERVED_MS);
      await new Streams().open(proxy.port, bodies, STREAMS_BEFORE);
      await proxy.settle();
      const beforeKib = residentKib(proxy.pid);
      await new Streams().open(proxy.port, bodies, count);
      await proxy.settle();
      return (residentKib(proxy.pid) - beforeKib) / count;
    },
  };
}
