// child.ts: a program beside a bench that is meant to be killed, stopped and started again.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Child {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const running = new Set<number>();
// Nothing outlives this process, whether an exception or a signal ends it.
process.on('exit', () => {
  for (const pid of running) process.kill(pid, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** Runs a script with this Node and resolves when `read` has made something of its lines. Rejects with its errors when it ends first. */
export async function startChild<T>(script: string, args: readonly string[], read: (line: string) => T | undefined, nodeArgs: readonly string[] = []): Promise<{ readonly child: Child; readonly found: T }> {
  const spawned = spawn(process.execPath, [...nodeArgs, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = spawned;
  if (pid === undefined) throw new Error(`cannot start ${script}`);
  running.add(pid);
  let errors = '';
  spawned.stderr.on('data', (data) => (errors = `${errors}${String(data)}`.slice(-2000)));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    spawned.once('close', (code, signal) => {
      running.delete(pid);
      resolve(code ?? signal ?? 0);
    });
  });
  const child: Child = { pid, kill: (signal) => void spawned.kill(signal), ended };
  return new Promise((resolve, reject) => {
    createInterface({ input: spawned.stdout }).on('line', (line) => {
      const found = read(line);
      if (found !== undefined) resolve({ child, found });
    });
    void ended.then((how) => reject(new Error(`${script} ended before it was up (${how}): ${errors}`)));
  });
}
