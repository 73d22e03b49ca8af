// router.ts: the router as operators run it: a process, a file that is replaced, signals.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startChild, type Child } from '../load/child.ts';

/** Keys of the file beside the listeners. */
export type RouterKeys = Readonly<Record<string, unknown>>;

const READY_WAIT_MS = 15_000;
const READY_POLL_MS = 20;

const script = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export class RouterProcess {
  readonly child: Child;
  readonly url: string;
  readonly adminUrl: string;
  readonly #folder: string;

  private constructor(child: Child, urls: ReadonlyMap<string, string>, folder: string) {
    this.child = child;
    this.url = urls.get('clients') ?? '';
    this.adminUrl = urls.get('admin') ?? '';
    this.#folder = folder;
  }

  /** Resolves when it is ready. */
  static async start(keys: RouterKeys, nodeArgs: readonly string[] = []): Promise<RouterProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'warmroute-faults-'));
    const file = join(folder, 'warmroute.yaml');
    writeFileSync(file, textOf(keys));
    const urls = new Map<string, string>();
    const { child, found } = await startChild(script, ['serve', '--config', file], (line) => {
      const { msg, listener, address } = JSON.parse(line) as { msg?: string; listener?: string; address?: string };
      if (msg === 'listening' && listener !== undefined && address !== undefined) urls.set(listener, address);
      return urls.size === 2 ? urls : undefined;
    }, nodeArgs);
    const router = new RouterProcess(child, found, folder);
    await router.untilReady();
    return router;
  }

  /** Replaces the file as editors and deployments do: whole, by a rename. */
  rewrite(keys: RouterKeys | string): void {
    const next = join(this.#folder, 'next');
    writeFileSync(next, typeof keys === 'string' ? keys : textOf(keys));
    renameSync(next, join(this.#folder, 'warmroute.yaml'));
  }

  async untilReady(): Promise<void> {
    const deadlineMs = performance.now() + READY_WAIT_MS;
    for (;;) {
      const { statusCode, body } = await request(`${this.adminUrl}/ready`);
      const text = await body.text();
      if (statusCode === 200) return;
      if (performance.now() > deadlineMs) throw new Error(`the router was not ready within ${READY_WAIT_MS / 1000} s: ${text}`);
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  /** All samples of its metrics, by name and labels. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const { body } = await request(`${this.adminUrl}/metrics`);
    const lines = (await body.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.child.ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** JSON, which is YAML too. */
function textOf(keys: RouterKeys): string {
  return JSON.stringify({
    listeners: [{ name: 'clients', host: '127.0.0.1', port: 0 }],
    admin: { host: '127.0.0.1', port: 0 },
    log: { sample_ratio: 0 },
    ...keys,
  });
}
