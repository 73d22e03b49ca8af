// test-router.ts: a router in this process, on free ports, and what an operator can see of it.

import { writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import { startRouter, type Router, type RouterOptions } from '../../src/app.ts';
import { loadConfig, readConfigFile } from '../../src/config/load.ts';

/** The file's keys. What is left out suits tests: two listeners on free ports, no slow start, no settling. */
export interface TestRouterOptions {
  readonly endpoints?: readonly string[];
  readonly [key: string]: unknown;
}

export interface EndpointState {
  readonly id: string;
  readonly available: boolean;
  readonly unavailable_because: string;
  readonly draining_by: readonly string[];
  readonly pool: string;
  readonly in_flight: number;
  readonly queued_prompt_tokens: number;
  readonly index: { readonly tokens: number; readonly blocks: number; readonly bytes: number; readonly capacity_tokens: number };
}

export interface LogLine {
  readonly msg?: string;
  readonly [key: string]: unknown;
}

export interface TestRouter {
  readonly router: Router;
  /** By prefix-cost. */
  readonly url: string;
  /** By least-request. */
  readonly baselineUrl: string;
  readonly adminUrl: string;
  endpoints(): Promise<readonly EndpointState[]>;
  /** Sums of the samples of one metric whose labels contain all of these. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Log lines so far, oldest first. */
  lines(): readonly LogLine[];
}

const POLL_MS = 5;

/** The text of a file with these keys, and what suits tests. */
export function fileOf({ endpoints = [], ...keys }: TestRouterOptions): string {
  return JSON.stringify({
    listeners: [
      { name: 'prefix', host: '127.0.0.1', port: 0, policy: 'prefix-cost' },
      { name: 'baseline', host: '127.0.0.1', port: 0, policy: 'least-request' },
    ],
    admin: { port: 0 },
    pools: [{ name: 'default', endpoints, slow_start_ms: 0 }],
    shutdown: { settle_ms: 0, deadline_ms: 500 },
    ...keys,
  });
}

/** Resolves when it is ready, unless `ready: false`. With `file` the configuration is written there first, and can be reloaded from there. */
export async function startTestRouter(t: Test, { ready = true, file, ...keys }: TestRouterOptions, dnsClient?: RouterOptions['dnsClient']): Promise<TestRouter> {
  const text = fileOf(keys);
  if (typeof file === 'string') writeFileSync(file, text);
  const read = typeof file === 'string' ? readConfigFile(file) : undefined;
  const loaded = read?.loaded ?? loadConfig({ path: 'warmroute.yaml', env: {}, readFile: () => text });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  let log = '';
  const logDestination = {
    write(line: string): void {
      log += line;
    },
  };
  const router = await startRouter({ config: loaded.config, version: '0.0.0', logDestination, file: read, ...(dnsClient === undefined ? {} : { dnsClient }) });
  t.teardown(() => router.stop());
  if (ready === true) await router.ready();
  const adminUrl = router.urls['admin'] ?? '';
  return {
    router,
    url: router.urls['prefix'] ?? '',
    baselineUrl: router.urls['baseline'] ?? '',
    adminUrl,
    endpoints: async () => ((await (await fetch(`${adminUrl}/endpoints`)).json()) as { endpoints: EndpointState[] }).endpoints,
    metric: async (name, labels = {}) => sumOf(await (await fetch(`${adminUrl}/metrics`)).text(), name, labels),
    lines: () => log.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as LogLine),
  };
}

/** Resolves when the condition holds; rejects, with what was wrong last, when it does not within `withinMs`. */
export async function eventually(condition: () => boolean | Promise<boolean>, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Still not so after ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function sumOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    if (wanted.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}
