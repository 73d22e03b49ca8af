// main.ts: the demo: three simulated replicas, the router, a few conversations on both ports, and what comes of it, live.

import { parseArgs } from 'node:util';
import { request } from 'undici';
import { storyQuestions } from '../load/questions.ts';
import { startRun, type Run } from '../load/run.ts';
import { createScaledClock } from '../load/scaled-clock.ts';
import { untilSignal } from '../load/signal.ts';
import { startStack, type Stack } from '../load/stack.ts';
import type { Workload } from '../load/workload.ts';
import { choosePorts } from './ports.ts';
import { createScreen } from './screen.ts';
import { portOf, type EndpointRow, type Moment } from './view.ts';

const help = `usage: npm run demo [-- --for SECONDS]

Starts three simulated vLLM replicas and the router on ports 8081 (by prefix), 8080 (by least requests) and 9901 (admin), or on free ports where
those are taken, holds conversations on both, and shows what comes of it until Ctrl-C.

  --for SECONDS   end by itself after so long
  --help
`;

/** On each port: four people with a long context of their own, each asking every 3.2 seconds. */
const workload: Workload = {
  users: 4,
  rounds: 8,
  qps: 1.25,
  systemPromptTokens: 100,
  userHistoryTokens: 2000,
  answerTokensMax: 40,
  durationS: undefined,
  userIdBefore: 0,
};
/** So that no conversation of one port finds its text in a cache because of the other's. */
const BASELINE_USER_ID_BEFORE = 1_000_000;
const REFRESH_INTERVAL_S = 0.5;
const EXIT_NOTICED_MS = 300;
const START_ATTEMPTS_MAX = 3;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let durationS: number | undefined;
  try {
    const { values } = parseArgs({ args: [...args], options: { for: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
    if (values.help === true) {
      process.stdout.write(help);
      return 0;
    }
    durationS = values.for === undefined ? Infinity : Number(values.for);
    if (!(durationS > 0)) throw new RangeError(`--for wants seconds above 0: ${values.for}`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
  try {
    await demonstrate(durationS);
    return 0;
  } catch (error) {
    process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function demonstrate(durationS: number): Promise<void> {
  const over = new AbortController();
  void untilSignal().then(() => over.abort());
  process.stdout.write('Starting three replicas and the router …\n');
  const { stack, taken } = await start();
  try {
    process.stdout.write(introduction(stack, taken, durationS));
    await Promise.race([converse(stack, durationS, over.signal), stack.broken]);
  } catch (error) {
    // That the router is gone says more than the connection it refused, but may be noticed a moment later.
    await Promise.race([stack.broken, new Promise((resolve) => setTimeout(resolve, EXIT_NOTICED_MS))]);
    throw error;
  } finally {
    over.abort();
    await stack.stop();
  }
}

/** Someone may take a port between the look and the start: then it is chosen again. */
async function start(): Promise<{ readonly stack: Stack; readonly taken: readonly number[] }> {
  for (let attempt = 1; ; attempt++) {
    const { ports, taken } = await choosePorts();
    try {
      return { taken, stack: await startStack({ replicas: 3, preset: 'S', timeScale: 1, seed: 1, ports }) };
    } catch (error) {
      if (attempt === START_ATTEMPTS_MAX || !String(error).includes('EADDRINUSE')) throw error;
    }
  }
}

/** Resolves when the time is over or `signal` is aborted. */
async function converse(stack: Stack, durationS: number, signal: AbortSignal): Promise<void> {
  const clock = createScaledClock(1);
  const questions = storyQuestions(workload.answerTokensMax);
  const talk = (baseUrl: string, userIdBefore: number): Run =>
    startRun({ ...workload, userIdBefore }, questions, { baseUrl, model: stack.model }, clock, signal);
  const prefix = talk(stack.urls.prefix, 0);
  const baseline = talk(stack.urls.baseline, BASELINE_USER_ID_BEFORE);
  const moment = async (): Promise<Moment> => ({
    elapsedS: clock.nowS() - prefix.startedS,
    endpoints: await endpointRows(stack.urls.admin),
    prefix: { url: stack.urls.prefix, policy: 'prefix-cost', ...prefix },
    baseline: { url: stack.urls.baseline, policy: 'least-request', ...baseline },
  });

  const screen = createScreen(process.stdout);
  const endS = prefix.startedS + durationS;
  while (!signal.aborted && clock.nowS() < endS) {
    screen.show(await moment());
    await clock.until(Math.min(endS, clock.nowS() + REFRESH_INTERVAL_S), signal);
  }
  screen.showLast(await moment());
  const failure = prefix.failures[0] ?? baseline.failures[0];
  if (failure !== undefined) throw new Error(failure);
}

function introduction({ urls, model, logFile }: Stack, taken: readonly number[], durationS: number): string {
  const body = JSON.stringify({ model, stream: true, max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] });
  return [
    ...taken.map((port) => `Port ${port} is taken: a free one stands in for it.`),
    '',
    `By prefix on ${portOf(urls.prefix)}, by least requests on ${portOf(urls.baseline)}. The replicas are simulated: Qwen2.5-7B on an A10, in real time.`,
    '',
    `  ${urls.admin}/   what happens there, in a browser`,
    '',
    'Try:',
    '',
    `  curl -N ${urls.prefix}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
    `  curl ${urls.prefix}/v1/models`,
    `  curl ${urls.admin}/endpoints`,
    `  curl ${urls.admin}/metrics`,
    `  tail -f ${logFile}`,
    '',
    Number.isFinite(durationS) ? `Ends after ${durationS} s, or with Ctrl-C.` : 'Ctrl-C ends it.',
    '',
    '',
  ].join('\n');
}

async function endpointRows(adminUrl: string): Promise<EndpointRow[]> {
  const { body } = await request(`${adminUrl}/endpoints`);
  const { endpoints } = (await body.json()) as {
    endpoints: { id: string; available: boolean; in_flight: number; reported: { prompt_tokens: number; cached_tokens: number } }[];
  };
  return endpoints.map(({ id, available, in_flight: inFlight, reported }) => ({
    id,
    available,
    inFlight,
    promptTokens: reported.prompt_tokens,
    cachedTokens: reported.cached_tokens,
  }));
}
