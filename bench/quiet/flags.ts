// flags.ts: the command line of the quiet bench.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { count, positive, presetOf } from '../load/flag-values.ts';
import type { PresetName } from '../simulator/engine/step-time.ts';
import type { Shape } from './conversations.ts';

export interface Plan {
  readonly shape: Shape;
  readonly seeds: readonly number[];
  readonly atATime: number;
  readonly replicas: number;
  /** Each cache's size, as a share of what all users need. */
  readonly cacheShare: number;
  readonly preset: PresetName;
  readonly timeScale: number;
  readonly output: string;
}

export const help = `usage: node bench/quiet/main.ts [options]

Many users, few requests at a time, caches too small for everything: what the caches hold decides, not queues. Plays the same
conversations by prefix, by session hash (each user always to the same replica, past the router), by round robin and by least requests, caches cold
before each. Exits with 1 unless the hit ratio of rounds 2 and later by prefix is at least 0.90 and at most 0.02 below the session hash's.

  --users N          (50)
  --rounds N         questions of each (8)
  --at-a-time N      requests (3)
  --system-tokens N  system prompt, shared by all (800)
  --context-tokens N what each user begins with (1000)
  --question-tokens N (30)
  --answer-tokens N  (100)
  --replicas N       simulated replicas (5)
  --cache-share X    a replica's cache, of what all users need (0.25)
  --preset S|L|H8    their machine (L: Qwen3-32B on two H100)
  --seed N           the only order and text to run (three: 1, 2, 3)
  --time-scale X     real seconds for a simulated second (0.05)
  --output FILE      JSON of all figures (bench/results/quiet.json)
  --help
`;

const options = {
  users: { type: 'string', default: '50' },
  rounds: { type: 'string', default: '8' },
  'at-a-time': { type: 'string', default: '3' },
  'system-tokens': { type: 'string', default: '800' },
  'context-tokens': { type: 'string', default: '1000' },
  'question-tokens': { type: 'string', default: '30' },
  'answer-tokens': { type: 'string', default: '100' },
  replicas: { type: 'string', default: '5' },
  'cache-share': { type: 'string', default: '0.25' },
  preset: { type: 'string', default: 'L' },
  seed: { type: 'string' },
  'time-scale': { type: 'string', default: '0.05' },
  output: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const SEEDS = [1, 2, 3];

/** Throws a TypeError or RangeError that names the flag. */
export function readFlags(args: readonly string[]): Plan | 'help' {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) return 'help';
  return {
    shape: {
      users: count('users', values.users, 1),
      rounds: count('rounds', values.rounds, 2),
      systemTokens: count('system-tokens', values['system-tokens'], 1),
      contextTokens: count('context-tokens', values['context-tokens'], 0),
      questionTokens: count('question-tokens', values['question-tokens'], 1),
      answerTokens: count('answer-tokens', values['answer-tokens'], 1),
    },
    seeds: values.seed === undefined ? SEEDS : [count('seed', values.seed, 0)],
    atATime: count('at-a-time', values['at-a-time'], 1),
    replicas: count('replicas', values.replicas, 1),
    cacheShare: positive('cache-share', values['cache-share']),
    preset: presetOf(values.preset),
    timeScale: positive('time-scale', values['time-scale']),
    output: values.output ?? fileURLToPath(new URL('../results/quiet.json', import.meta.url)),
  };
}
