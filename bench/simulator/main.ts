// main.ts: the simulator as a command.

import { parseArgs } from 'node:util';
import { presets, type PresetName } from './engine/step-time.ts';
import type { SimulatorOptions } from './options.ts';
import { startSimulator } from './simulator.ts';

const help = `usage: node bench/simulator/main.ts [options]

A vLLM server without a model: its HTTP surface, scheduler and prefix cache; the answers are nonsense, the same for the same prompt.
Prints one JSON line with its URL when it listens. POST /sim/fault breaks it, GET /sim/state tells what it saw.

  --host HOST                   address to listen on (127.0.0.1)
  --port PORT                   port; 0 takes a free one (0)
  --preset S|L|H8               which machine's timing and cache size (S)
  --model NAME                  served model name (/model/qwen)
  --lora A,B                    LoRA adapters served beside it
  --blocks N                    blocks of KV cache (from the preset)
  --block-size N                tokens of a block (16)
  --max-model-len N             longest prompt and answer together (131072, at most the cache)
  --time-scale X                real seconds for a second of the preset; 0: as fast as possible (1)
  --answer-tokens N             mean length of an answer that nothing else limits (200)
  --seed N                      servers with one seed answer alike (0)
  --no-enable-prefix-caching
  --no-prompt-tokens-details    leave cached_tokens out of usage
  --enable-force-include-usage  usage in every stream
  --enable-request-id-headers   X-Request-Id in answers
  --api-key KEY                 wanted on /v1
  --max-num-queued-reqs N       503 above so many requests
  --max-num-queued-tokens N     503 above so many prompt tokens before their first token
  --sse-keep-alive-interval S   comments on silent streams
  --help
`;

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    port: { type: 'string' },
    preset: { type: 'string' },
    model: { type: 'string' },
    lora: { type: 'string' },
    blocks: { type: 'string' },
    'block-size': { type: 'string' },
    'max-model-len': { type: 'string' },
    'time-scale': { type: 'string' },
    'answer-tokens': { type: 'string' },
    seed: { type: 'string' },
    'no-enable-prefix-caching': { type: 'boolean' },
    'no-prompt-tokens-details': { type: 'boolean' },
    'enable-force-include-usage': { type: 'boolean' },
    'enable-request-id-headers': { type: 'boolean' },
    'api-key': { type: 'string' },
    'max-num-queued-reqs': { type: 'string' },
    'max-num-queued-tokens': { type: 'string' },
    'sse-keep-alive-interval': { type: 'string' },
    help: { type: 'boolean' },
  },
});

function numberOf(name: keyof typeof values): number | undefined {
  const value = values[name];
  if (typeof value !== 'string') return undefined;
  const number = Number(value);
  if (value === '' || !Number.isFinite(number) || number < 0) throw new RangeError(`--${name} wants a number that is not negative: ${value}`);
  return number;
}

function optionsOf(): Partial<SimulatorOptions> {
  const preset = values.preset;
  if (preset !== undefined && !(preset in presets)) throw new RangeError(`--preset wants one of ${Object.keys(presets).join(', ')}: ${preset}`);
  const given: { [Name in keyof SimulatorOptions]: SimulatorOptions[Name] | undefined } = {
    host: values.host,
    port: numberOf('port'),
    preset: preset as PresetName | undefined,
    model: values.model,
    loras: values.lora?.split(',').filter((name) => name !== ''),
    blocks: numberOf('blocks'),
    blockTokens: numberOf('block-size'),
    modelTokensMax: numberOf('max-model-len'),
    timeScale: numberOf('time-scale'),
    answerTokens: numberOf('answer-tokens'),
    seed: numberOf('seed'),
    prefixCaching: values['no-enable-prefix-caching'] === true ? false : undefined,
    promptTokensDetails: values['no-prompt-tokens-details'] === true ? false : undefined,
    forceIncludeUsage: values['enable-force-include-usage'],
    requestIdHeaders: values['enable-request-id-headers'],
    apiKey: values['api-key'],
    queuedRequestsMax: numberOf('max-num-queued-reqs'),
    queuedTokensMax: numberOf('max-num-queued-tokens'),
    sseKeepAliveIntervalS: numberOf('sse-keep-alive-interval'),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

if (values.help === true) {
  process.stdout.write(help);
} else {
  const simulator = await startSimulator(optionsOf());
  const { url, options } = simulator;
  process.stdout.write(`${JSON.stringify({ url, model: options.model, preset: options.preset, blocks: options.blocks, timeScale: options.timeScale })}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
}
