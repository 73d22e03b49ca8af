// by-match.ts: rules that first look who holds the prompt, and fall back on load.

import { least, leastOf } from './choosing.ts';
import { allBlocks, recentBlocks } from './memories.ts';
import type { Request, Rule } from './rival-router.ts';

const inFlightOf = ({ peers }: Request): number[] => peers.map((peer) => peer.inFlight);

/** The least in flight of two drawn at random. */
export const powerOfTwo: Rule = {
  choose({ peers, random }) {
    const one = Math.floor(random() * peers.length);
    const other = peers.length === 1 ? one : (one + 1 + Math.floor(random() * (peers.length - 1))) % peers.length;
    return peers[other]!.inFlight < peers[one]!.inFlight ? other : one;
  },
};

const SEED_BLOCKS_MAX = 500_000 / 16;
const SEED_RATIO = 0.5;

/** As Alibaba's container service describes its routing by prefix. */
export function seedThreshold(): Rule {
  return {
    memory: recentBlocks(SEED_BLOCKS_MAX),
    choose(request) {
      const { matched, facts, random } = request;
      const best = Math.max(...matched);
      const isHolder = matched.map((tokens) => best / facts.promptTokens <= SEED_RATIO || tokens === best);
      return leastOf(inFlightOf(request), isHolder, random);
    },
  };
}

/** As production-stack's `prefixaware`: chunks of 128 characters, the longest match, no load. */
export function longestMatch(): Rule {
  return {
    memory: allBlocks(2),
    choose: ({ matched, random }) => least(matched.map((tokens) => -tokens), random),
  };
}

const SGLANG_APART = 64;
const SGLANG_RATIO = 1.5;
const SGLANG_MATCH = 0.3;

/** As SGLang's `cache_aware`. A node of its tree belongs to several endpoints; it always takes the first. */
export function cacheAware(): Rule {
  return {
    memory: allBlocks(1),
    choose(request) {
      const inFlight = inFlightOf(request);
      const most = Math.max(...inFlight);
      const fewest = Math.min(...inFlight);
      const isUneven = most - fewest > SGLANG_APART && most > SGLANG_RATIO * fewest;
      const best = Math.max(...request.matched);
      if (!isUneven && best / request.facts.promptTokens > SGLANG_MATCH) return request.matched.indexOf(best);
      return least(inFlight, request.random);
    },
  };
}

const AIBRIX_APART = 8;

/** As AIBrix's `prefix-cache`, which compares matches in whole percents. */
export function aibrix(): Rule {
  return {
    memory: allBlocks(1),
    choose(request) {
      const inFlight = inFlightOf(request);
      if (Math.max(...inFlight) - Math.min(...inFlight) > AIBRIX_APART) return least(inFlight, request.random);
      const mean = inFlight.reduce((sum, count) => sum + count, 0) / inFlight.length;
      const deviation = Math.sqrt(inFlight.reduce((sum, count) => sum + (count - mean) ** 2, 0) / inFlight.length);
      const isFit = request.matched.map((tokens, at) => tokens > 0 && inFlight[at]! <= mean + deviation);
      if (!isFit.includes(true)) return least(inFlight, request.random);
      const percents = request.matched.map((tokens) => Math.floor((100 * tokens) / request.facts.promptTokens));
      const best = Math.max(...percents.filter((_, at) => isFit[at]));
      return leastOf(inFlight, percents.map((percent, at) => isFit[at] === true && percent === best), request.random);
    },
  };
}
