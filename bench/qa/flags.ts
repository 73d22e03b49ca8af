// flags.ts: the command line of the multi-round QA bench.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { count, positive, presetOf } from '../load/flag-values.ts';
import { sampledQuestions, storyQuestions, type Questions } from '../load/questions.ts';
import type { Target } from '../load/run.ts';
import type { Workload } from '../load/workload.ts';
import type { PresetName } from '../simulator/engine/step-time.ts';

export type Flags = Measurement | Comparison | { readonly kind: 'help' };

/** One run against a server that is there already. */
export interface Measurement {
  readonly kind: 'measurement';
  readonly workload: Workload;
  readonly questions: Questions;
  readonly target: Target;
  readonly timeScale: number;
  readonly output: string;
  readonly logIntervalS: number;
}

/** Both ports of a router in front of simulated replicas, once for each seed. */
export interface Comparison {
  readonly kind: 'comparison';
  readonly workload: Workload & { readonly durationS: number };
  readonly questionsOf: (seed: number) => Questions;
  readonly seeds: readonly number[];
  readonly timeScale: number;
  readonly replicas: number;
  readonly preset: PresetName;
  readonly output: string;
  readonly withUserId: boolean;
}

export const help = `usage: node bench/qa/main.ts [options]

Multi-round QA: users who share a system prompt, each with a long context of its own, ask again and again at a fixed gap. Flags and summary
are those of multi-round-qa.py. Without --base-url it measures both ports of a router in front of simulated replicas, caches cold
before each, and exits with 1 unless the mean time to first token by prefix is at least 40 % below that by least requests and the router's predictions
by prefix are off by at most 1 % of the prompt tokens.

  --num-users N              users at a time (8)
  --num-rounds N             questions of a user (15)
  --qps X                    requests a second over all users (0.1)
  --shared-system-prompt N   tokens shared by all (100)
  --user-history-prompt N    tokens of each user's own context (2000)
  --answer-len N             longest answer in tokens (100)
  --time N                   seconds to run (600; against --base-url until Ctrl-C)
  --sharegpt                 questions and answers of sampled lengths, from a built-in source
  --init-user-id N           number before the first user's (0)
  --seed N                   of the sampled text; without --base-url the only seed to run (three: 1, 2, 3)
  --time-scale X             real seconds for a simulated second (1; without --base-url 0.25)

against a server of yours:
  --base-url URL             with or without /v1
  --model NAME
  --api-key KEY
  --request-with-user-id     send x-user-id
  --output FILE              CSV of all rounds (summary.csv)
  --log-interval N           seconds between two summaries (30)

without --base-url:
  --replicas N               simulated replicas (5)
  --preset S|L|H8            their machine (S: Qwen2.5-7B on an A10)
  --output FILE              JSON of all figures (bench/results/qa.json)
  --quick                    one seed at --time-scale 0.1: two minutes, a little less exact
  --help
`;

const options = {
  'num-users': { type: 'string', default: '8' },
  'num-rounds': { type: 'string', default: '15' },
  qps: { type: 'string', default: '0.1' },
  'shared-system-prompt': { type: 'string', default: '100' },
  'user-history-prompt': { type: 'string', default: '2000' },
  'answer-len': { type: 'string', default: '100' },
  time: { type: 'string' },
  sharegpt: { type: 'boolean', default: false },
  'init-user-id': { type: 'string', default: '0' },
  seed: { type: 'string' },
  'time-scale': { type: 'string' },
  'base-url': { type: 'string' },
  model: { type: 'string' },
  'api-key': { type: 'string' },
  'request-with-user-id': { type: 'boolean', default: false },
  output: { type: 'string' },
  'log-interval': { type: 'string', default: '30' },
  replicas: { type: 'string', default: '5' },
  preset: { type: 'string', default: 'S' },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
} as const;

const COMPARISON_DURATION_S = 600;
const COMPARISON_SEEDS = [1, 2, 3];
const COMPARISON_TIME_SCALE = 0.25;
const QUICK_SEEDS = [1];
const QUICK_TIME_SCALE = 0.1;

/** Throws a TypeError or RangeError that names the flag. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) return { kind: 'help' };
  const durationS = values.time === undefined ? undefined : positive('time', values.time);
  const timeScale = values['time-scale'] === undefined ? undefined : positive('time-scale', values['time-scale']);
  const seed = values.seed === undefined ? undefined : count('seed', values.seed, 0);
  const workload = {
    users: count('num-users', values['num-users'], 1),
    rounds: count('num-rounds', values['num-rounds'], 2),
    qps: positive('qps', values.qps),
    systemPromptTokens: count('shared-system-prompt', values['shared-system-prompt'], 0),
    userHistoryTokens: count('user-history-prompt', values['user-history-prompt'], 0),
    answerTokensMax: count('answer-len', values['answer-len'], 1),
    userIdBefore: count('init-user-id', values['init-user-id'], 0),
  };
  const questionsOf = (seed: number): Questions =>
    values.sharegpt ? sampledQuestions(seed, workload.answerTokensMax) : storyQuestions(workload.answerTokensMax);
  const withUserId = values['request-with-user-id'];
  const { 'base-url': baseUrl, 'api-key': apiKey, model, quick } = values;

  if (baseUrl === undefined) {
    return {
      kind: 'comparison',
      workload: { ...workload, durationS: durationS ?? COMPARISON_DURATION_S },
      questionsOf,
      seeds: seed === undefined ? (quick ? QUICK_SEEDS : COMPARISON_SEEDS) : [seed],
      timeScale: timeScale ?? (quick ? QUICK_TIME_SCALE : COMPARISON_TIME_SCALE),
      replicas: count('replicas', values.replicas, 1),
      preset: presetOf(values.preset),
      output: values.output ?? fileURLToPath(new URL('../results/qa.json', import.meta.url)),
      withUserId,
    };
  }
  if (model === undefined) throw new TypeError('--base-url needs --model');
  return {
    kind: 'measurement',
    workload: { ...workload, durationS },
    questions: questionsOf(seed ?? 1),
    target: { baseUrl: originOf(baseUrl), model, withUserId, ...(apiKey === undefined ? {} : { apiKey }) },
    timeScale: timeScale ?? 1,
    output: values.output ?? 'summary.csv',
    logIntervalS: positive('log-interval', values['log-interval']),
  };
}

/** People give it with and without `/v1`. */
function originOf(baseUrl: string): string {
  if (URL.canParse(baseUrl)) return baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
  throw new TypeError(`--base-url wants an address such as http://127.0.0.1:8081/v1: ${baseUrl}`);
}
