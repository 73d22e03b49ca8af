// step-time.ts: how long one engine step takes on some real machines.

/** Costs in seconds; `contextS` is per token of context of a decode, `attentionS` per prefill token and token of its context. */
export interface Preset {
  readonly stepS: number;
  readonly prefillS: number;
  readonly attentionS: number;
  readonly decodeS: number;
  readonly contextS: number;
  readonly stepTokensMax: number;
  readonly runningMax: number;
  readonly kvTokens: number;
  /** Time from a request's arrival until the engine can schedule it: HTTP, template, tokenizer. */
  readonly arrivalS: number;
}

export const presets = {
  /** Qwen3-32B on two H100. */
  L: {
    stepS: 0.01, prefillS: 55e-6, attentionS: 2.1e-9, decodeS: 10e-6, contextS: 0.038e-6,
    stepTokensMax: 8192, runningMax: 256, kvTokens: 307_328, arrivalS: 0.15,
  },
  /** Qwen2.5-7B on one A10, eager. */
  S: {
    stepS: 0.036, prefillS: 222e-6, attentionS: 6.7e-9, decodeS: 50e-6, contextS: 0.115e-6,
    stepTokensMax: 2048, runningMax: 256, kvTokens: 90_000, arrivalS: 0.1,
  },
  /** A model of 8B on one H100. */
  H8: {
    stepS: 0.0075, prefillS: 21e-6, attentionS: 1.0e-9, decodeS: 8e-6, contextS: 0.045e-6,
    stepTokensMax: 8192, runningMax: 256, kvTokens: 500_000, arrivalS: 0.05,
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

/** What one step computes. A prefill chunk's context is what was computed before it plus half of itself. */
export interface StepWork {
  prefillTokens: number;
  /** Sum over the chunks of tokens × context. */
  attentionTokens: number;
  decodes: number;
  /** Sum of the decodes' contexts. */
  contextTokens: number;
}

export function stepDurationS(preset: Preset, work: StepWork): number {
  return (
    preset.stepS +
    preset.prefillS * work.prefillTokens +
    preset.attentionS * work.attentionTokens +
    preset.decodeS * work.decodes +
    preset.contextS * work.contextTokens
  );
}
