// processes.ts: the programs that a bench starts beside itself, and their certain end.

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Processes {
  /**
   * Runs a script with this Node and resolves with what `read` makes of its standard output, line by line, once that is not undefined.
   *
   * `read` keeps being called afterwards, so that it can pass the lines on. Rejects when the program ends first.
   */
  start<T>(name: string, script: string, args: readonly string[], read: (line: string) => T | undefined): Promise<T>;
  /** Rejects when a program ends that nobody stopped; never resolves. */
  readonly broken: Promise<never>;
  /** Ends all: asks, and after a while insists. Resolves when none is left. */
  stop(): Promise<void>;
}

const STOP_WAIT_MS = 2000;
const ERROR_LINES_MAX = 5;
const STACK_FRAME_OR_BLANK = /^\s*(at .*)?$/;

export function createProcesses(): Processes {
  const children = new Set<ChildProcess>();
  const { promise: broken, reject: breakDown } = Promise.withResolvers<never>();
  broken.catch(() => {}); // Whoever waits for it learns of it; nobody has to.
  let stopping = false;
  // Also when this process ends by an exception, so that nothing outlives it.
  const killAll = (): void => children.forEach((child) => child.kill('SIGKILL'));
  process.on('exit', killAll);

  return {
    broken,
    start(name, script, args, read) {
      const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      children.add(child);
      const errorLines: string[] = [];
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (STACK_FRAME_OR_BLANK.test(line)) return;
        errorLines.push(line);
        if (errorLines.length > ERROR_LINES_MAX) errorLines.shift();
      });
      return new Promise((resolve, reject) => {
        createInterface({ input: child.stdout }).on('line', (line) => {
          const found = read(line);
          if (found !== undefined) resolve(found);
        });
        const end = (why: string): void => {
          children.delete(child);
          if (stopping) return;
          const error = new Error([`${name} ${why}`, ...errorLines].join('\n  '));
          reject(error);
          breakDown(error);
        };
        child.on('error', (error) => end(`cannot start: ${error.message}`));
        child.on('close', (code, signal) => end(`ended by itself (${signal ?? `exit code ${code}`})`));
      });
    },
    async stop() {
      stopping = true;
      const ended = Promise.all([...children].map((child) => new Promise((resolve) => void child.once('close', resolve))));
      children.forEach((child) => child.kill('SIGTERM'));
      const insist = setTimeout(killAll, STOP_WAIT_MS);
      await ended;
      clearTimeout(insist);
      process.off('exit', killAll);
    },
  };
}
