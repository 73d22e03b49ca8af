// vllm-server.ts: a real vLLM server as a process, on a port that it keeps when it is started again.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { request } from 'undici';

export interface VllmServer {
  readonly url: string;
  /** Resolves when it serves; rejects when it does not within minutes. */
  start(): Promise<void>;
  /** Asks, and soon insists: streams under way can stay open and silent. Resolves when nothing of it is left. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const START_WAIT_MS = 240_000;
const STOP_WAIT_MS = 3000;
const POLL_MS = 250;

/** @param script starts a server on the port given as its argument, in the foreground. @param logFile takes what it prints. */
export async function vllmServer(script: string, logFile: string): Promise<VllmServer> {
  const port = await freePort();
  const url = `http://${HOST}:${port}`;
  let child: ChildProcess | undefined;
  // vLLM's engine is a process of its own, so the whole group is ended: also when this process ends by an exception.
  const signalAll = (signal: NodeJS.Signals): void => {
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  };
  const killAll = (): void => signalAll('SIGKILL');
  return {
    url,
    async start() {
      const log = openSync(logFile, 'a');
      child = spawn('bash', [script, String(port)], { detached: true, stdio: ['ignore', log, log] });
      closeSync(log);
      process.on('exit', killAll);
      const { exitCode } = await untilServing(url, child);
      if (exitCode !== undefined) throw new Error(`vLLM ended with exit code ${exitCode}: see ${logFile}`);
    },
    async stop() {
      if (child === undefined) return;
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
      signalAll('SIGTERM');
      const insist = setTimeout(killAll, STOP_WAIT_MS);
      await ended;
      clearTimeout(insist);
      killAll();
      process.off('exit', killAll);
      child = undefined;
    },
  };
}

async function untilServing(url: string, child: ChildProcess): Promise<{ readonly exitCode: number | undefined }> {
  const deadlineMs = performance.now() + START_WAIT_MS;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null || child.signalCode !== null) return { exitCode: child.exitCode ?? -1 };
    if (await serves(url)) return { exitCode: undefined };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${url} did not serve within ${START_WAIT_MS / 1000} s`);
}

async function serves(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${url}/health`);
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
