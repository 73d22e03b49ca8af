// policy-name.ts: how an endpoint can be chosen.

export const POLICY_NAMES = ['prefix-cost', 'prefix-threshold', 'least-request', 'round-robin', 'random'] as const;

export type PolicyName = (typeof POLICY_NAMES)[number];
