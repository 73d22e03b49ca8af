// catalogue.ts: the workloads, by name: under load, at low load, and on other engines and fleets.

import { join } from 'node:path';
import { presets } from '../simulator/engine/step-time.ts';
import type { Fleet, Workload } from './run.ts';
import { qa, type QaShape, sessions, type SessionShape } from './workloads/conversations.ts';
import { readTrace, replay, type Replay } from './workloads/mooncake.ts';
import { flash, groups, hotPrefix, mix, repeated, rollouts, unrelated, zipfPrefix } from './workloads/prefixes.ts';

export type Group = 'load' | 'low' | 'other';

export interface Case {
  readonly name: string;
  readonly group: Group;
  readonly fleet: Fleet;
  /** The file that it replays. */
  readonly trace: string | undefined;
  /** Throws when the trace is not there. */
  readonly workload: (tracesDir: string) => Workload;
  /** Part of the short run. */
  readonly isQuick: boolean;
}

const { L, S, H8 } = presets;
const eight: Fleet = { replicas: 8, preset: L };
const LOAD_S = 300;
const LOW_S = 1200;
/** So that situations show what comes after the first 2,000 requests. */
const LONG_S = 8000;

function chat(perS: number, durationS: number): Workload {
  const shape: SessionShape = { perS, durationS, turns: 5, thinkS: 15, apps: 20, appTokens: 2000, openingTokens: 0, questionTokens: 200, answerTokens: 250, tokensMax: 30_000 };
  return sessions(shape);
}

function agent(perS: number, durationS: number): Workload {
  return sessions({ perS, durationS, turns: 25, thinkS: 4, apps: 1, appTokens: 8000, openingTokens: 4000, questionTokens: 3000, answerTokens: 250, tokensMax: 100_000 });
}

function rounds(shape: Partial<QaShape> & Pick<QaShape, 'users' | 'perS' | 'durationS'>): Workload {
  return qa({ rounds: 10, systemTokens: 100, historyTokens: 2000, answerTokens: 100, ...shape });
}

const w1 = (perS: number): Workload => groups({ groups: 150, perGroup: 5, prefixTokens: 6000, questionTokens: 1200, answerTokens: 1000, perS });
const question = { questionTokens: 300, answerTokens: 250 };
const hot = (perS: number, durationS: number): Workload => mix({ ...question, perS, durationS, prefix: hotPrefix(0.6, 10_000, 200, 3000) });
/** Three times what the fleet's caches hold. */
const thrash = (perS: number, durationS: number, { replicas, preset }: Fleet): Workload =>
  mix({ ...question, perS, durationS, prefix: zipfPrefix(Math.round((3 * replicas * preset.kvTokens) / 6000), 0.8, 6000) });
const crowds = (background: number, burst: number, durationS: number): Workload =>
  flash({ ...question, durationS, background: { perS: background, prefixes: 60, prefixTokens: 4000 }, burst: { everyS: 40, lastsS: 10, perS: burst, prefixTokens: 8000 } });

/** Whose names are here make up the short run. */
const QUICK: ReadonlySet<string> = new Set(['qa 160 users 6/s', 'w1 16/s', 'hot 30/s', 'no sharing 45/s', 'thrash 12/s', 'chat 8/s', 'qa 60 users 0.3/s, system 1000', 'chat 1/s', 'w1 3/s', 'mooncake conversation × 0.3']);

function entry(group: Group, name: string, fleet: Fleet, workload: Workload): Case {
  return { name, group, fleet, trace: undefined, workload: () => workload, isQuick: QUICK.has(name) };
}

function recorded(group: Group, name: string, fleet: Fleet, trace: string, how: Omit<Replay, 'promptTokensMax'>): Case {
  const workload = (tracesDir: string): Workload => replay(readTrace(join(tracesDir, trace)), { ...how, promptTokensMax: 200_000 });
  return { name, group, fleet, trace, workload, isQuick: QUICK.has(name) };
}

const CONVERSATION = 'mooncake-conversation.jsonl';
const SYNTHETIC = 'mooncake-synthetic.jsonl';
/** Every prompt of the conversations starts alike: the second hash tells them apart. */
const conversation = { sessionAt: 1 };
const synthetic = { sessionAt: 0 };
const five: Fleet = { replicas: 5, preset: S };
const sixteen: Fleet = { replicas: 16, preset: L };
const sixtyFour: Fleet = { replicas: 64, preset: L };

const underLoad: readonly Case[] = [
  entry('load', 'qa 320 users 4/s', five, rounds({ users: 320, perS: 4, durationS: 900 })),
  entry('load', 'qa 160 users 6/s', five, rounds({ users: 160, perS: 6, durationS: 600 })),
  ...[12, 16, 19].map((perS) => entry('load', `w1 ${perS}/s`, eight, w1(perS))),
  recorded('load', 'mooncake conversation × 1, 8', eight, CONVERSATION, { ...conversation, speed: 1, spanS: 1200 }),
  recorded('load', 'mooncake conversation × 2.5, 16', sixteen, CONVERSATION, { ...conversation, speed: 2.5, spanS: 1800 }),
  recorded('load', 'mooncake conversation × 10, 64', sixtyFour, CONVERSATION, { ...conversation, speed: 10, spanS: 2400 }),
  recorded('load', 'mooncake synthetic × 1, 8', eight, SYNTHETIC, { ...synthetic, speed: 1, spanS: 1000 }),
  recorded('load', 'mooncake synthetic × 2.5, 16', sixteen, SYNTHETIC, { ...synthetic, speed: 2.5, spanS: 1200 }),
  recorded('load', 'mooncake synthetic × 10, 64', sixtyFour, SYNTHETIC, { ...synthetic, speed: 10, spanS: 1200 }),
  ...[30, 60].map((perS) => entry('load', `hot ${perS}/s`, eight, hot(perS, LOAD_S))),
  ...[20, 45].map((perS) => entry('load', `no sharing ${perS}/s`, eight, unrelated(perS, LOAD_S, 2000, 250))),
  entry('load', 'flash 20 + 30/s', eight, crowds(20, 30, LOAD_S)),
  ...[12, 24].map((perS) => entry('load', `thrash ${perS}/s`, eight, thrash(perS, 7200 / perS, eight))),
  ...[8, 20].map((perS) => entry('load', `chat ${perS}/s`, eight, chat(perS, LOAD_S))),
  ...[0.2, 0.35].map((perS) => entry('load', `agent ${perS}/s`, eight, agent(perS, 900))),
  entry('load', 'repeat 30/s', eight, repeated(30, LOAD_S, 30, 4000, 100)),
  entry('load', 'rl', eight, rollouts(0.4, LOAD_S, 32, 2000, 400)),
];

const atLowLoad: readonly Case[] = [
  entry('low', 'qa 60 users 0.3/s, system 100', five, rounds({ users: 60, perS: 0.3, durationS: 2400, systemTokens: 100 })),
  entry('low', 'qa 60 users 0.3/s, system 1000', five, rounds({ users: 60, perS: 0.3, durationS: 2400, systemTokens: 1000 })),
  entry('low', 'qa 120 users 0.5/s, system 1000', five, rounds({ users: 120, perS: 0.5, durationS: LONG_S, systemTokens: 1000 })),
  entry('low', 'qa 120 users 0.5/s, system 2000', five, rounds({ users: 120, perS: 0.5, durationS: 2400, systemTokens: 2000 })),
  entry('low', 'qa 300 users 1/s, system 1000, 16', { replicas: 16, preset: S }, rounds({ users: 300, perS: 1, durationS: 2400, systemTokens: 1000 })),
  entry('low', 'qa 300 users 1/s, system 4000, 16', { replicas: 16, preset: S }, rounds({ users: 300, perS: 1, durationS: 2400, systemTokens: 4000 })),
  ...[1, 3].map((perS) => entry('low', `chat ${perS}/s`, eight, chat(perS, 900))),
  entry('low', 'agent 0.05/s', eight, agent(0.05, LOW_S)),
  entry('low', 'agent 0.1/s', eight, agent(0.1, 2 * LOW_S)),
  ...[3, 6].map((perS) => entry('low', `w1 ${perS}/s`, eight, w1(perS))),
  ...[3, 6].map((perS) => entry('low', `thrash ${perS}/s`, eight, thrash(perS, LOW_S, eight))),
  recorded('low', 'mooncake conversation × 0.3', eight, CONVERSATION, { ...conversation, speed: 0.3, spanS: 600 }),
  entry('low', 'hot 8/s', eight, hot(8, 600)),
  entry('low', 'flash 5 + 10/s', eight, crowds(5, 10, 600)),
];

const small: Fleet = { replicas: 8, preset: S };
const fast: Fleet = { replicas: 8, preset: H8 };
const elsewhere: readonly Case[] = [
  entry('other', 'chat 2/s on S', small, chat(2, LOAD_S)),
  entry('other', 'no sharing 8/s on S', small, unrelated(8, LOAD_S, 2000, 250)),
  entry('other', 'thrash 4/s on S', small, thrash(4, LOAD_S, small)),
  entry('other', 'chat 30/s on H8', fast, chat(30, 200)),
  entry('other', 'hot 100/s on H8', fast, hot(100, 120)),
  entry('other', 'thrash 40/s on H8', fast, thrash(40, LOAD_S, fast)),
  entry('other', 'agent 0.6/s on H8', fast, agent(0.6, 600)),
  entry('other', 'chat 3/s on 2', { replicas: 2, preset: L }, chat(3, LOAD_S)),
  entry('other', 'thrash 4/s on 2', { replicas: 2, preset: L }, thrash(4, LOAD_S, { replicas: 2, preset: L })),
  entry('other', 'chat 5/s on 3', { replicas: 3, preset: L }, chat(5, LOAD_S)),
  entry('other', 'agent 0.1/s on 3', { replicas: 3, preset: L }, agent(0.1, 900)),
  entry('other', 'chat 100/s on 64', sixtyFour, chat(100, 100)),
  entry('other', 'hot 300/s on 64', sixtyFour, hot(300, 60)),
];

export const catalogue: readonly Case[] = [...underLoad, ...atLowLoad, ...elsewhere];
