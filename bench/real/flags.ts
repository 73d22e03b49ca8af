// flags.ts: the command line of the bench against real engines.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { count } from '../load/flag-values.ts';

export interface Plan {
  /** Starts a vLLM server on the port given. */
  readonly script: string;
  readonly model: string;
  readonly blockTokens: number;
  readonly users: number;
  readonly rounds: number;
  readonly answerTokensMax: number;
  readonly atATime: number;
  readonly output: string;
}

export const help = `usage: node bench/real/main.ts [options]

Two real vLLM servers, conversations of several rounds through the router at temperature 0 and then at temperature 1, and one server started again midway, each
time: what the router predicted beside what vLLM reported, by source of error. Exits with 1 when the error at temperature 0 is above 2 % of the prompt tokens.

  --script FILE     starts a server on the port that is its argument (../shared/tools/vllm-cpu/start.sh; install.sh beside it first)
  --model NAME      that it serves (tiny-llama)
  --block-size N    tokens of its blocks (32)
  --users N         conversations (36)
  --rounds N        of each (10)
  --answer-len N    longest answer in tokens (120)
  --at-a-time N     requests (3)
  --output FILE     JSON of all figures (bench/results/real.json)
  --help
`;

const options = {
  script: { type: 'string', default: fileURLToPath(new URL('../../../shared/tools/vllm-cpu/start.sh', import.meta.url)) },
  model: { type: 'string', default: 'tiny-llama' },
  'block-size': { type: 'string', default: '32' },
  users: { type: 'string', default: '36' },
  rounds: { type: 'string', default: '10' },
  'answer-len': { type: 'string', default: '120' },
  'at-a-time': { type: 'string', default: '3' },
  output: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Throws a TypeError or RangeError that names the flag. */
export function readFlags(args: readonly string[]): Plan | 'help' {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) return 'help';
  if (!existsSync(values.script)) throw new TypeError(`--script wants a file that starts a vLLM server: ${values.script}`);
  return {
    script: values.script,
    model: values.model,
    blockTokens: count('block-size', values['block-size'], 1),
    users: count('users', values.users, 1),
    rounds: count('rounds', values.rounds, 2),
    answerTokensMax: count('answer-len', values['answer-len'], 1),
    atATime: count('at-a-time', values['at-a-time'], 1),
    output: values.output ?? fileURLToPath(new URL('../results/real.json', import.meta.url)),
  };
}
