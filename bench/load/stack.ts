// stack.ts: a router in front of simulated replicas, each a process of its own, caches cold.

import { fileURLToPath } from 'node:url';
import type { PresetName } from '../simulator/engine/step-time.ts';
import { createProcesses, type Processes } from './processes.ts';
import { startRouter, type Ports, type Router } from './router.ts';

export interface StackOptions {
  readonly replicas: number;
  readonly preset: PresetName;
  /** Real seconds for a simulated second. */
  readonly timeScale: number;
  /** Stacks with one seed answer alike. */
  readonly seed: number;
  /** Of each replica's KV cache; left out, the preset's. */
  readonly blocks?: number;
  /** Left out, free ones. */
  readonly ports?: Ports;
}

/** `broken` rejects when any of the processes ends by itself. */
export interface Stack extends Router {
  readonly model: string;
  readonly replicaUrls: readonly string[];
}

const MODEL = '/model/qwen';

const simulator = fileURLToPath(new URL('../simulator/main.ts', import.meta.url));

/** Resolves when the router is ready. Rejects with everything stopped again. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const replicas = createProcesses();
  try {
    const replicaUrls = await startReplicas(replicas, options);
    const router = await startRouter(replicaUrls, options.ports);
    const stop = async (): Promise<void> => {
      await router.stop();
      await replicas.stop();
    };
    const broken = Promise.race([router.broken, replicas.broken]);
    broken.catch(() => {}); // Whoever waits for it learns of it; nobody has to.
    return { model: MODEL, ...router, replicaUrls, broken, stop };
  } catch (error) {
    await replicas.stop();
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
