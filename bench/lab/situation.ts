// situation.ts: what goes otherwise than the router was told.

import type { Random } from '../../src/core/random.ts';

export interface Situation {
  /** Duration of a step, for each replica; 1 where nothing is said. */
  readonly slowness: readonly number[];
  /** What replicas say of their capacity, as a multiple of the truth. */
  readonly toldCapacity: number;
  readonly bytesPerToken: number;
  /** False: answers say nothing of tokens. */
  readonly reportsUsage: boolean;
  /** Of requests, the share whose engine sees another content from some place on than the router. */
  readonly missingShare: number;
  readonly restarts: readonly { readonly atS: number; readonly replica: number; readonly downS: number }[];
  /** The cache is emptied and nobody is told. */
  readonly flushes: readonly { readonly atS: number; readonly replica: number }[];
  /** When one more replica joins. */
  readonly joins: readonly number[];
}

export const PLAIN: Situation = { slowness: [], toldCapacity: 1, bytesPerToken: 4, reportsUsage: true, missingShare: 0, restarts: [], flushes: [], joins: [] };

/** A third of the way into the shortest workloads. */
const AT_S = 120;
const MISSING = 0.02;

export const situations = {
  plain: PLAIN,
  restart: { ...PLAIN, restarts: [{ atS: AT_S, replica: 1, downS: 30 }] },
  'silent-flush': { ...PLAIN, flushes: [{ atS: AT_S, replica: 1 }] },
  'two-more': { ...PLAIN, joins: [AT_S, AT_S] },
  'unequal-speeds': { ...PLAIN, slowness: [1, 1, 2, 1, 1, 0.5] },
  'capacity-x4': { ...PLAIN, toldCapacity: 4 },
  'capacity-half': { ...PLAIN, toldCapacity: 0.5 },
  'tokens-plus-25': { ...PLAIN, bytesPerToken: 4 * 1.25 },
  'tokens-minus-25': { ...PLAIN, bytesPerToken: 4 * 0.75 },
  'no-usage': { ...PLAIN, reportsUsage: false },
  missing: { ...PLAIN, missingShare: MISSING },
  'capacity-x4-missing': { ...PLAIN, toldCapacity: 4, missingShare: MISSING },
  'capacity-half-missing': { ...PLAIN, toldCapacity: 0.5, missingShare: MISSING },
} as const satisfies Record<string, Situation>;

export type SituationName = keyof typeof situations;

/** The same keys up to a random block of the prompt, others behind it: an edited prompt, which the router cannot tell from the old one. */
export function missingFrom(keys: Float64Array, promptBlocks: number, random: Random): Float64Array {
  const edited = keys.slice();
  for (let at = Math.floor(random() * promptBlocks); at < edited.length; at++) edited[at] = Math.floor(random() * Number.MAX_SAFE_INTEGER);
  return edited;
}
