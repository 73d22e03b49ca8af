// flags.ts: the command line of the replay bench.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { count, positive, presetOf } from '../load/flag-values.ts';
import type { PresetName } from '../simulator/engine/step-time.ts';

export interface Plan {
  readonly trace: string;
  /** Of the trace's time. */
  readonly minutes: number;
  /** 2: in half the trace's time. */
  readonly speed: number;
  readonly endpoints: number;
  readonly preset: PresetName;
  readonly timeScale: number;
  readonly output: string;
}

export const help = `usage: node bench/replay/main.ts [options]

Recorded traffic over HTTP: a trace's requests at their times, with the prefixes they share, against both ports of a router in front of simulated
replicas, caches cold before each. Exits with 1 when the router's predictions on 8081 are off by more than 2 % of the prompt tokens.

  --trace FILE       in Mooncake's format (../shared/traces/mooncake-conversation.jsonl)
  --minutes X        of the trace, from its start (10)
  --speed X          so many times faster than recorded (1)
  --endpoints N      simulated replicas (8)
  --preset S|L|H8    their machine (L: Qwen3-32B on two H100)
  --time-scale X     real seconds for a simulated second (0.5)
  --output FILE      JSON of all figures (bench/results/replay.json)
  --help
`;

const options = {
  trace: { type: 'string', default: fileURLToPath(new URL('../../../shared/traces/mooncake-conversation.jsonl', import.meta.url)) },
  minutes: { type: 'string', default: '10' },
  speed: { type: 'string', default: '1' },
  endpoints: { type: 'string', default: '8' },
  preset: { type: 'string', default: 'L' },
  'time-scale': { type: 'string', default: '0.5' },
  output: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Throws a TypeError or RangeError that names the flag. */
export function readFlags(args: readonly string[]): Plan | 'help' {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) return 'help';
  if (!existsSync(values.trace)) throw new TypeError(`--trace wants a file of Mooncake's traces (github.com/kvcache-ai/Mooncake, FAST25-release/traces): ${values.trace}`);
  return {
    trace: values.trace,
    minutes: positive('minutes', values.minutes),
    speed: positive('speed', values.speed),
    endpoints: count('endpoints', values.endpoints, 1),
    preset: presetOf(values.preset),
    timeScale: positive('time-scale', values['time-scale']),
    output: values.output ?? fileURLToPath(new URL('../results/replay.json', import.meta.url)),
  };
}
