// flag-values.ts: the values of command-line flags, checked; the error names the flag.

import { presets, type PresetName } from '../simulator/engine/step-time.ts';

/** Throws a RangeError. */
export function count(name: string, text: string, least: number): number {
  const value = text === '' ? NaN : Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} wants a whole number from ${least}: ${text}`);
}

/** Throws a RangeError. */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw new RangeError(`--${name} wants a number above 0: ${text}`);
}

/** Throws a RangeError. */
export function presetOf(name: string): PresetName {
  if (name in presets) return name as PresetName;
  throw new RangeError(`--preset wants one of ${Object.keys(presets).join(', ')}: ${name}`);
}
