// mooncake.ts: recorded traffic, by its lengths, times and shared beginnings.

import { readFileSync } from 'node:fs';
import type { Workload } from '../run.ts';
import { ownContent, sharedContent } from './draws.ts';

export interface TraceLine {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}

const HASH_TOKENS = 512;

const traces = new Map<string, readonly TraceLine[]>();

/** Read once: a process performs many runs of one trace. */
export function readTrace(path: string): readonly TraceLine[] {
  let trace = traces.get(path);
  if (trace === undefined) {
    trace = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as TraceLine);
    traces.set(path, trace);
  }
  return trace;
}

export interface Replay {
  /** 2: in half the time. */
  readonly speed: number;
  /** Of the trace, in its own time. */
  readonly spanS: number;
  /** Which of a line's hashes tells conversations apart. */
  readonly sessionAt: number;
  readonly promptTokensMax: number;
}

/** The seed says where in the trace it begins. Requests beyond what an engine can hold are left out. */
export function replay(trace: readonly TraceLine[], { speed, spanS, sessionAt, promptTokensMax }: Replay): Workload {
  return (stage, seed) => {
    const endS = (trace.at(-1)?.timestamp ?? 0) / 1000;
    const fromS = Math.max(0, endS - spanS) * (((seed * 0.618) % 1));
    trace.forEach((line, at) => {
      const timeS = line.timestamp / 1000 - fromS;
      if (timeS < 0 || timeS >= spanS || line.input_length + line.output_length > promptTokensMax) return;
      stage.at(timeS / speed, () => {
        const prompt = stage.prompt().message('user', line.hash_ids.map((id, place) => ({
          id: sharedContent(id),
          tokens: Math.min(HASH_TOKENS, line.input_length - HASH_TOKENS * place),
        })));
        const session = line.hash_ids[sessionAt] ?? line.hash_ids[0] ?? at;
        stage.send({ prompt, session, answerId: ownContent(at, 0), answerTokens: Math.max(1, line.output_length) });
      });
    });
  };
}
