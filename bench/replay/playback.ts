// playback.ts: a trace's requests as they came, whether or not the answers keep up.

import { Agent } from 'undici';
import type { TraceLine } from '../lab/workloads/mooncake.ts';
import type { ScaledClock } from '../load/scaled-clock.ts';
import { streamChat, type ChatAnswer } from '../load/stream-chat.ts';
import { wordsOf } from '../load/words.ts';

export interface Played extends ChatAnswer {
  readonly id: string;
  /** When it should have been sent. */
  readonly dueS: number;
}

export interface Playback {
  readonly lines: readonly TraceLine[];
  readonly speed: number;
  readonly baseUrl: string;
  readonly model: string;
  readonly clock: ScaledClock;
  readonly signal: AbortSignal;
  readonly onProgress: (answered: number, inFlight: number) => void;
}

/** Tokens that one of a trace's hash ids stands for. */
const HASH_TOKENS = 512;
/** An engine that falls behind for good would fill the machine with requests. */
const IN_FLIGHT_MAX = 4096;

/** Rejects when a request fails, or when too many are under way. */
export async function playBack({ lines, speed, baseUrl, model, clock, signal, onProgress }: Playback): Promise<Played[]> {
  const connections = new Agent({ connections: IN_FLIGHT_MAX });
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  const startedS = clock.nowS();
  const played: Played[] = [];
  let inFlight = 0;

  const send = async (line: TraceLine, at: number, dueS: number): Promise<void> => {
    const id = `trace-${at}`;
    inFlight++;
    try {
      const answer = await streamChat({
        baseUrl,
        model,
        messages: [{ role: 'user', content: promptOf(line) }],
        answerTokensMax: Math.max(1, line.output_length),
        headers: { 'x-request-id': id },
        connections,
        nowS: clock.nowS,
        signal: stopped,
      });
      played.push({ ...answer, id, dueS });
    } catch (error) {
      failed.abort(error);
    } finally {
      inFlight--;
      onProgress(played.length, inFlight);
    }
  };
  const sent: Promise<void>[] = [];
  for (const [at, line] of lines.entries()) {
    const dueS = startedS + line.timestamp / 1000 / speed;
    await clock.until(dueS, stopped);
    if (stopped.aborted) break;
    if (inFlight >= IN_FLIGHT_MAX) failed.abort(new Error(`${inFlight} requests are under way: the replicas cannot keep up with the trace`));
    else sent.push(send(line, at, dueS));
  }
  await Promise.all(sent);
  await connections.destroy();
  stopped.throwIfAborted();
  return played;
}

/** As many tokens as the trace says; equal ids give equal text, so prompts share what they shared when they were recorded. */
export function promptOf({ hash_ids: ids, input_length: tokens }: TraceLine): string {
  return ids.map((id, at) => wordsOf(id, Math.min(HASH_TOKENS, tokens - HASH_TOKENS * at))).join('');
}
