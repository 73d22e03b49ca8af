// qa-commands.test.ts: the multi-round QA bench works as people call it, small, so that it cannot rot.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { startSimulator } from '../../bench/simulator/simulator.ts';

const bench = fileURLToPath(new URL('../../bench/qa/main.ts', import.meta.url));
const few = ['--num-users', '2', '--num-rounds', '3', '--qps', '1', '--user-history-prompt', '200', '--answer-len', '10', '--time', '10', '--time-scale', '0.1'];

/** Four programs start one after the other, beside whatever else the machine does. */
const PROCESSES_TIMEOUT_MS = 120_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bench, ...args], (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }));
  });
}

test('a server is measured, with a summary and a line a round in a file', async (t) => {
  const simulator = await startSimulator({ timeScale: 0, model: 'm' });
  t.teardown(() => simulator.close());
  const output = join(t.testdir(), 'rounds.csv');
  const { code, stdout, stderr } = await run(...few, '--sharegpt', '--base-url', `${simulator.url}/v1`, '--model', 'm', '--output', output);
  t.equal(code, 0, stderr);
  t.match(stdout, /Average TTFT: \d+\.\d{4}s/);
  const [header, ...lines] = readFileSync(output, 'utf8').trim().split('\n');
  t.match(header, /^prompt_tokens,generation_tokens,ttft,/);
  t.ok(lines.length >= 8, `${lines.length} rounds`);
  t.equal(simulator.state().requests.length, 10 + lines.length, 'ten to warm up, then one a line');
});

test('a server that refuses is told of, and fails the run', async (t) => {
  const simulator = await startSimulator({ timeScale: 0, model: 'm' });
  t.teardown(() => simulator.close());
  const { code, stderr } = await run(...few, '--base-url', simulator.url, '--model', 'another');
  t.equal(code, 1);
  t.match(stderr, /answered 404: .*The model `another` does not exist/);
});

test('both ports are compared in a table, and the exit code is the verdict', { timeout: PROCESSES_TIMEOUT_MS }, async (t) => {
  const output = join(t.testdir(), 'qa.json');
  const { code, stdout, stderr } = await run(...few, '--seed', '7', '--replicas', '1', '--output', output);
  t.match(stdout, /\| 8081 prefix-cost +\|/, stderr);
  t.match(stdout, /\| 8080 least-request +\|/);
  t.equal(code, /reached/.test(stdout) ? 0 : 1);
  const { seeds, overall } = JSON.parse(readFileSync(output, 'utf8'));
  t.match(seeds, [{ name: 'seed 7' }]);
  t.ok(overall.prefix.requests > 5 && overall.baseline.requests > 5);
});
