// router-process.ts: the router as operators run it: a process with a file, signals and an exit code.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export interface RouterProcess {
  readonly child: ChildProcess;
  /** The path of its file. */
  readonly file: string;
  /** URL of each listener by name, when all of them listen. */
  readonly urls: Promise<ReadonlyMap<string, string>>;
  /** Resolves with the exit code and all of standard error when the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** Runs `serve` with a file of these keys, which may be any text; with `descriptorsMax`, under that `ulimit -n`. */
export function spawnRouter(t: Test, config: object | string, listeners = 2, descriptorsMax?: number): RouterProcess {
  const folder = mkdtempSync(join(tmpdir(), 'warmroute-test-'));
  const file = join(folder, 'warmroute.yaml');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  const command = [process.execPath, MAIN, 'serve', '--config', file];
  const limited = descriptorsMax === undefined ? command : ['sh', '-c', `ulimit -n ${descriptorsMax} && exec "$0" "$@"`, ...command];
  const child = spawn(limited[0]!, limited.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += String(data)));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const found = new Map<string, string>();
  const urls = new Promise<ReadonlyMap<string, string>>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, listener, address } = JSON.parse(line) as { msg?: string; listener?: string; address?: string };
      if (msg !== 'listening' || listener === undefined || address === undefined) return;
      found.set(listener, address);
      if (found.size === listeners) resolve(found);
    });
  });
  return { child, file, urls, ended };
}
