// branches.test.ts: which ways on count as seen: those of prompts that were computed, once each.

import * as fc from 'fast-check';
import { test } from 'tap';
import type { Outcome } from '../../../src/core/dispatcher.ts';
import type { GenerationFacts } from '../../../src/core/request.ts';
import type { Account } from '../../../src/dispatch/account.ts';
import { Estimates } from '../../../src/dispatch/estimates.ts';
import { modelKey } from '../../../src/prefix/model-key.ts';
import { chainOf, tokenEnds } from '../prefix/conversation.ts';
import { prefixes } from '../prefix/naive-index.ts';
import { createHouse } from './house.ts';

const KEY = modelKey('m');
const ENDPOINTS = 2;
const WITHDRAWN: readonly Outcome[] = [
  { kind: 'rejected', status: 503, because: 'overloaded' },
  { kind: 'reset', stale: true },
  { kind: 'timeout', limit: 'first_byte_ms' },
  { kind: 'client_gone' },
];

interface Attempt {
  readonly text: string;
  readonly account: Account;
}

/** Attempts of requests as they follow one another, and the ways on that were computed. */
function desk() {
  const house = createHouse({ endpoints: ENDPOINTS });
  const estimates = new Estimates({ kvCacheTokens: 1_000_000, bytesPerToken: 4, matchRatioMin: 0.5, tenantEndpointsRatio: 1 });
  const open: Attempt[] = [];
  const computed = new Set<string>();
  const compute = ({ text }: Attempt): void => prefixes(text).forEach((name) => computed.add(name));
  return {
    send(text: string, at: number): void {
      const chain = chainOf(text);
      const facts: GenerationFacts = { kind: 'generation', surface: 'chat', model: 'm', stream: true, prompts: [chain], openingBlocks: 1, weight: 1, teaches: true, canAskUsage: false, cacheSalt: '', previousResponseId: undefined };
      const prompt = { chain, tokenEnds: tokenEnds(chain), counted: 0, branches: [] };
      const terms = { facts, key: KEY, learned: estimates.model('m'), prompts: [prompt] as const, recorded: true, uncachedTokens: 0, predictedCachedTokens: 0, nowMs: 0 };
      open.push({ text, account: estimates.open(estimates.of(house.endpoint(at)), terms) });
    },
    firstToken(which: number): void {
      const attempt = open[which % open.length];
      if (attempt === undefined) return;
      attempt.account.confirm(0);
      compute(attempt);
    },
    end(which: number, outcome: Outcome): void {
      const [attempt] = open.splice(which % open.length, 1);
      if (attempt === undefined) return;
      attempt.account.close(outcome, 0);
      if (outcome.kind === 'complete') compute(attempt);
    },
    branches(text: string): number[] {
      const out = Array.from(text, () => 1);
      const shared = estimates.sharedAt(0);
      const trail = shared.follow(chainOf(text), KEY);
      shared.readBranches(trail, trail.length, out);
      return out;
    },
    /** Each block's, or the most of one behind it. */
    expected(text: string): number[] {
      const waysOn = prefixes(text).map((name) => Math.max(1, [...computed].filter((other) => other.slice(0, -1) === name).length));
      return waysOn.map((_, i) => Math.max(...waysOn.slice(i)));
    },
  };
}

const COMPLETE: Outcome = { kind: 'complete', usage: undefined, responseId: undefined };

for (const outcome of WITHDRAWN) {
  test(`a prompt that is sent again and again adds no way on, when each attempt ends in ${outcome.kind}`, async (t) => {
    const { send, end, branches } = desk();
    send('ab', 0);
    end(0, COMPLETE);
    for (let i = 0; i < 5; i += 1) {
      send('ac', i % ENDPOINTS);
      end(0, outcome);
      t.strictSame(branches('ab'), [1, 1]);
    }
    send('ac', 0);
    end(0, COMPLETE);
    t.strictSame(branches('ab'), [2, 1]);
  });
}

test('equal prompts that are sent before any first token are one way on, whichever of them comes through', async (t) => {
  for (let survivor = 0; survivor < 3; survivor += 1) {
    const { send, end, branches } = desk();
    send('ab', 0);
    end(0, COMPLETE);
    for (let i = 0; i < 3; i += 1) send('ac', i % ENDPOINTS);
    end(survivor, COMPLETE);
    end(0, WITHDRAWN[0]!);
    end(0, WITHDRAWN[0]!);
    t.strictSame(branches('ab'), [2, 1]);
  }
});

test('as many ways on count as were computed, whatever was sent, withdrawn and sent again', async () => {
  const text = fc.stringMatching(/^[ab]{1,3}[a-d]{0,2}$/);
  const step = fc.oneof(
    fc.tuple(fc.constant('send' as const), text, fc.nat(ENDPOINTS - 1)),
    fc.tuple(fc.constant('firstToken' as const), fc.nat(9)),
    fc.tuple(fc.constant('end' as const), fc.nat(9), fc.constantFrom(...WITHDRAWN.filter(({ kind }) => kind !== 'reset'), COMPLETE)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const played = desk();
      for (const step of steps) {
        if (step[0] === 'send') played.send(step[1], step[2]);
        else if (step[0] === 'firstToken') played.firstToken(step[1]);
        else played.end(step[1], step[2]);
      }
      const texts = steps.flatMap((step) => (step[0] === 'send' ? [step[1]] : []));
      return texts.every((sent) => String(played.branches(sent)) === String(played.expected(sent)));
    }),
    { numRuns: 500 },
  );
});
