// router.ts: the router as a process of its own, in front of whatever endpoints.

import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { createProcesses, type Processes } from './processes.ts';

/** The two ways in that are compared, `prefix` by prefix-cost and `baseline` by least-request, and the operators' one. */
export type ListenerName = 'prefix' | 'baseline' | 'admin';

/** 0 takes a free one. */
export type Ports = Readonly<Record<ListenerName, number>>;

export interface Router {
  readonly urls: Readonly<Record<ListenerName, string>>;
  /** Its log as it is written; gone after `stop`. */
  readonly logFile: string;
  /** Rejects when it ends by itself; never resolves. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const READY_WAIT_MS = 15_000;
const READY_POLL_MS = 50;
const FREE_PORTS: Ports = { prefix: 0, baseline: 0, admin: 0 };

const script = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Resolves when it is ready. Rejects with everything stopped again. */
export async function startRouter(endpoints: readonly string[], ports: Ports = FREE_PORTS): Promise<Router> {
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
    const file = join(folder, 'warmroute.yaml');
    writeFileSync(file, configFile(endpoints, ports));
    const urls = await listen(processes, file, (line) => log.write(`${line}\n`));
    await Promise.race([untilReady(urls.admin), processes.broken]);
    return { urls, logFile, broken: processes.broken, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** JSON, which is YAML too. */
function configFile(endpoints: readonly string[], ports: Ports): string {
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

function listen(processes: Processes, file: string, onLog: (line: string) => void): Promise<Router['urls']> {
  const found = new Map<string, string>();
  return processes.start('router', script, ['serve', '--config', file], (line) => {
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
