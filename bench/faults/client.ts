// client.ts: one client's request, and everything it saw.

import { request, type Agent } from 'undici';
import type { Conversation } from './conversations.ts';
import { judge, type Seen, type Verdict } from './judge.ts';

export interface Call {
  readonly url: string;
  readonly agent: Agent;
  /** Sent as `x-request-id`. */
  readonly id: string;
  readonly conversation: Conversation;
  readonly streams: boolean;
  /** The client leaves after so long. */
  readonly patienceMs: number;
}

/** What came of it. Times are of `performance.now()`. */
export interface Told {
  readonly id: string;
  readonly verdict: Verdict;
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The end of what came, when it is not the answer. */
  readonly evidence: string;
  readonly sentMs: number;
  readonly endedMs: number;
}

const EVIDENCE_LENGTH_MAX = 400;

/** Never rejects. */
export async function call(asked: Call): Promise<Told> {
  const sentMs = performance.now();
  const { seen, why } = await look(asked);
  const verdict = judge(seen, asked.conversation.answer, asked.streams);
  const evidence = verdict === 'answered' ? '' : `${seen.status} ${seen.end} ${why} ${seen.text.slice(-EVIDENCE_LENGTH_MAX)}`;
  return { id: asked.id, verdict, status: seen.status, retryAfter: seen.retryAfter, evidence, sentMs, endedMs: performance.now() };
}

async function look({ url, agent, id, conversation, streams, patienceMs }: Call): Promise<{ readonly seen: Seen; readonly why: string }> {
  const leaving = new AbortController();
  const patience = setTimeout(() => leaving.abort(), patienceMs);
  let status = 0;
  let retryAfter: string | undefined;
  let end: Seen['end'] = 'clean';
  let why = '';
  const parts: Buffer[] = [];
  try {
    const { statusCode, headers, body } = await request(`${url}/v1/chat/completions`, {
      method: 'POST',
      dispatcher: agent,
      signal: leaving.signal,
      headers: { 'content-type': 'application/json', 'x-request-id': id },
      body: conversation.body(streams),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    status = statusCode;
    if (typeof headers['retry-after'] === 'string') retryAfter = headers['retry-after'];
    for await (const chunk of body) parts.push(chunk as Buffer);
  } catch (error) {
    end = leaving.signal.aborted ? 'given up' : 'cut';
    why = String(error);
  } finally {
    clearTimeout(patience);
  }
  return { seen: { status, retryAfter, text: Buffer.concat(parts).toString(), end }, why };
}
