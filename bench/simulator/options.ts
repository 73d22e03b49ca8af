// options.ts: what a simulated vLLM server is like, with a default for everything.

import { presets, type PresetName } from './engine/step-time.ts';

export interface SimulatorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly preset: PresetName;
  /** Name under which the model is served. */
  readonly model: string;
  /** Names of LoRA adapters served beside it. */
  readonly loras: readonly string[];
  /** Blocks in the KV cache, with the null block. */
  readonly blocks: number;
  readonly blockTokens: number;
  readonly modelTokensMax: number;
  /** Real seconds for each second of the preset; 0 is as fast as possible. */
  readonly timeScale: number;
  /** Servers with the same seed answer alike. */
  readonly seed: number;
  /** Mean length of an answer that neither `max_tokens` nor `ignore_eos` decides. */
  readonly answerTokens: number;
  readonly prefixCaching: boolean;
  /** `usage.prompt_tokens_details`; the real server has it off unless asked. */
  readonly promptTokensDetails: boolean;
  readonly forceIncludeUsage: boolean;
  readonly requestIdHeaders: boolean;
  readonly apiKey: string | undefined;
  readonly queuedRequestsMax: number;
  readonly queuedTokensMax: number;
  /** Seconds; 0 is off. */
  readonly sseKeepAliveIntervalS: number;
}

/** Fills in what `given` leaves out: the cache has the preset's size, and no request is longer than the cache. */
export function completeOptions(given: Partial<SimulatorOptions>): SimulatorOptions {
  const preset = given.preset ?? 'S';
  const blockTokens = given.blockTokens ?? 16;
  const blocks = given.blocks ?? Math.floor(presets[preset].kvTokens / blockTokens) + 1;
  return {
    host: '127.0.0.1',
    port: 0,
    model: '/model/qwen',
    loras: [],
    timeScale: 1,
    seed: 0,
    answerTokens: 200,
    prefixCaching: true,
    promptTokensDetails: true,
    forceIncludeUsage: false,
    requestIdHeaders: false,
    apiKey: undefined,
    queuedRequestsMax: Infinity,
    queuedTokensMax: Infinity,
    sseKeepAliveIntervalS: 0,
    ...given,
    preset,
    blockTokens,
    blocks,
    modelTokensMax: Math.min(given.modelTokensMax ?? 131_072, (blocks - 1) * blockTokens),
  };
}
