// stack.ts: a router in front of simulated replicas, each a process of its own, caches cold.

import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import type { PresetName } from '../simulator/engine/step-time.ts';
import { createProcesses, type Processes } from './processes.ts';

export interface StackOptions {
  readonly replicas: number;
  readonly preset: PresetName;
  /** Real seconds for a simulated second. */
  readonly timeScale: number;
  /** Stacks with one seed answer alike. */
  readonly seed: number;
  /** Of each replica's KV cache; left out, the preset's. */
  readonly blocks?: number;
  /** 0 takes a free one. */
  readonly ports: Readonly<Record<ListenerName, number>>;
}

/** The two ways in that are compared, `prefix` by prefix-cost and `baseline` by least-request, and the operators' one. */
export type ListenerName = 'prefix' | 'baseline' | 'admin';

export interface Stack {
  readonly model: string;
  readonly urls: Readonly<Record<ListenerName, string>>;
  readonly replicaUrls: readonly string[];
  /** The router's log as it is written; gone after `stop`. */
  readonly logFile: string;
  /** Rejects when a process ends by itself; never resolves. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const MODEL = '/model/qwen';
const READY_WAIT_MS = 15_000;
const READY_POLL_MS = 50;

const simulator = fileURLToPath(new URL('../simulator/main.ts', import.meta.url));
const router = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Resolves when the router is ready. Rejects with everything stopped again. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const processes = createProcesses();
  const folder = mkdtempSync(join(tmpdir(), 'warmroute-'));
  const logFile = join(folder, 'router.log');
  const log = createWriteStream(logFile);
  const stop = async (): Promise<void> => {
    await processes.stop();
    await finished(log.end());
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const replicaUrls = await startReplicas(processes, options);
    const file = join(folder, 'warmroute.yaml');
    writeFileSync(file, configFile(replicaUrls, options.ports));
    const urls = await startRouter(processes, file, (line) => log.write(`${line}\n`));
    await Promise.race([untilReady(urls.admin), processes.broken]);
    return { model: MODEL, urls, replicaUrls, logFile, broken: processes.broken, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startReplicas(processes: Processes, { replicas, preset, timeScale, seed, blocks }: StackOptions): Promise<string[]> {
  const size = blocks === undefined ? [] : ['--blocks', String(blocks)];
  const args = ['--preset', preset, '--model', MODEL, '--time-scale', String(timeScale), '--seed', String(seed), ...size];
  const start = (_: unknown, at: number): Promise<string> =>
    processes.start(`replica ${at + 1}`, simulator, args, (line) => (JSON.parse(line) as { url: string }).url);
  return Promise.all(Array.from({ length: replicas }, start));
}

/** JSON, which is YAML too. */
function configFile(endpoints: readonly string[], ports: StackOptions['ports']): string {
  return JSON.stringify({
    listeners: [
      { name: 'prefix', host: HOST, port: ports.prefix, policy: 'prefix-cost' },
      { name: 'baseline', host: HOST, port: ports.baseline, policy: 'least-request' },
    ],
    admin: { host: HOST, port: ports.admin },
    pools: [{ endpoints }],
    shutdown: { settle_ms: 0, deadline_ms: 500 },
  });
}

function startRouter(processes: Processes, file: string, onLog: (line: string) => void): Promise<Stack['urls']> {
  const found = new Map<string, string>();
  return processes.start('router', router, ['serve', '--config', file], (line) => {
    onLog(line);
    if (found.size < 3) {
      const { msg, listener, address } = JSON.parse(line) as { msg?: string; listener?: string; address?: string };
      if (msg === 'listening' && listener !== undefined && address !== undefined) found.set(listener, address);
    }
    const [prefix, baseline, admin] = [found.get('prefix'), found.get('baseline'), found.get('admin')];
    return prefix === undefined || baseline === undefined || admin === undefined ? undefined : { prefix, baseline, admin };
  });
}

async function untilReady(adminUrl: string): Promise<void> {
  const deadlineMs = performance.now() + READY_WAIT_MS;
  for (;;) {
    const { statusCode, body } = await request(`${adminUrl}/ready`);
    const text = await body.text();
    if (statusCode === 200) return;
    if (performance.now() > deadlineMs) throw new Error(`the router was not ready within ${READY_WAIT_MS / 1000} s: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
}
