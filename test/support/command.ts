// command.ts: warmroute as a command that ends by itself.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `warmroute` with these arguments; `input` is what it reads. */
export function runCommand(args: readonly string[], input = '', env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return run(process.execPath, [MAIN, ...args], input, env);
}

/** Runs a line of bash in which `warmroute` is the command. Its exit code is that of whatever failed. */
export function runInShell(line: string): Promise<Ended> {
  return run('/bin/bash', ['-c', `set -o pipefail; warmroute() { "$NODE" "$MAIN" "$@"; }; ${line}`], '', { NODE: process.execPath, MAIN });
}

async function run(file: string, args: readonly string[], input: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(file, args, { env: { ...process.env, ...env }, timeout: 60_000 });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
