// wire-names.ts: what the simulated version calls itself.

export const version = '0.32.0';
export const fingerprint = `vllm-${version}-5e1f0a11`;
