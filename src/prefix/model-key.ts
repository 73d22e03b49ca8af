// model-key.ts: a model's name as two numbers, so that equal prompts to different models are different blocks.

/** 64 bits in two signed 32-bit lanes. Xored into every block hash. */
export interface ModelKey {
  readonly low: number;
  readonly high: number;
}

/** The same name gives the same key in every process. Not keyed: a collision only misroutes. */
export function modelKey(name: string): ModelKey {
  let low = 0x4cf5ad43;
  let high = 0x2745937f;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x9e3779b1);
    high = Math.imul(high ^ unit, 0x5f356495);
  }
  low = spread(low ^ name.length);
  high = spread(high ^ low);
  return { low: spread(low ^ high), high };
}

/** Every bit of the argument changes half the bits of the result (the finalizer of murmur3). */
function spread(bits: number): number {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
