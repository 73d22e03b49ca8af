// contestants.ts: the proxies under measurement, each a process of its own in front of the same engines.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChatRequests } from './chat-requests.ts';
import { sendRequests } from './load.ts';

/** How to start one. */
export interface Contestant {
  readonly name: string;
  /** A command that listens on `port` of the loopback. `directory` is for its files. */
  command(port: number, origins: readonly string[], directory: string): Promise<readonly string[]>;
}

export interface Running {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Collects garbage, where there is any. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

const READY_MAX_MS = 15_000;
const POLL_MS = 50;
const SETTLE_MS = 500;
const STOP_MAX_MS = 5000;
const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path));

const fileBeside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const node = (name: string, profiles: string | undefined, ...args: readonly string[]): readonly string[] => [
  process.execPath,
  '--expose-gc',
  ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profiles, name)}`]),
  '--import',
  fileBeside('./gc-in-process.ts'),
  ...args,
];

/** `profiles`: where each process leaves a CPU profile, in a directory of the contestant's name. */
export function bare(profiles: string | undefined): Contestant {
  return { name: 'bare', command: async (port, origins) => node('bare', profiles, fileBeside('./bare-process.ts'), String(port), ...origins) };
}

/** The router of the checkout in `root`, with the configuration that users start with. */
export function router(name: string, root: string, profiles: string | undefined): Contestant {
  return {
    name,
    async command(port, origins, directory) {
      const config = {
        listeners: [{ name: 'prefix', host: '127.0.0.1', port }],
        admin: { port: await freePort() },
        pools: [{ endpoints: origins }],
        shutdown: { settle_ms: 0, deadline_ms: 0 },
      };
      // JSON is YAML too.
      const file = join(directory, `${name}.yaml`);
      writeFileSync(file, JSON.stringify(config));
      return node(name, profiles, join(root, 'src/main.ts'), 'serve', '--config', file);
    },
  };
}

/** Undefined where it is not installed. One process, buffering off. */
export const nginx: Contestant | undefined =
  NGINX === undefined
    ? undefined
    : {
        name: 'nginx',
        async command(port, origins, directory) {
          const file = join(directory, 'nginx.conf');
          writeFileSync(file, nginxConfig(port, origins, directory));
          return [NGINX, '-c', file, '-e', '/dev/null'];
        },
      };

function nginxConfig(port: number, origins: readonly string[], directory: string): string {
  return `daemon off; master_process off; pid ${directory}/nginx.pid;
events { worker_connections 8192; }
http {
  access_log /dev/null;
  client_body_temp_path ${directory}; proxy_temp_path ${directory}; fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
  upstream engines { ${origins.map((origin) => `server ${new URL(origin).host};`).join(' ')} keepalive 1024; keepalive_timeout 4s; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 32m; client_body_buffer_size 256k; keepalive_requests 1000000;
    location / {
      proxy_pass http://engines; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_read_timeout 300s;
    }
  }
}
`;
}

/** Resolves when a request comes through. Everything it prints goes to /dev/null but errors. */
export async function start(contestant: Contestant, origins: readonly string[]): Promise<Running> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'bench-proxy-'));
  const [file, ...args] = await contestant.command(port, origins, directory);
  const child = spawn(file!, args, { stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit'] });
  const stop = async (): Promise<void> => {
    await stopped(child);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await answering(port, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const settle = async (): Promise<void> => {
    if (file === process.execPath) child.kill('SIGUSR2');
    await sleep(SETTLE_MS);
  };
  return { name: contestant.name, port, pid: child.pid!, settle, stop };
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  const requests = new ChatRequests(1024, false);
  const startMs = performance.now();
  for (;;) {
    try {
      await sendRequests(port, requests, 100, POLL_MS);
      return;
    } catch (error) {
      if (child.exitCode !== null || performance.now() - startMs > READY_MAX_MS) throw error;
      await sleep(POLL_MS);
    }
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
  await exit;
  clearTimeout(force);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
