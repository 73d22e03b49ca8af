// conversations.ts: prompts whose answers are known beforehand, so that bytes of another's are seen.

import { startSimulator } from '../simulator/simulator.ts';
import { wordsOf } from '../load/words.ts';
import { MODEL } from './endpoint.ts';

export interface Conversation {
  /** Whole text of the answer. */
  readonly answer: string;
  body(streams: boolean): string;
}

/** So many, each with an answer of its own of `answerTokens`; the answers come from a simulated server that nothing happens to. */
export async function createConversations(count: number, promptTokens: number, answerTokens: number): Promise<readonly Conversation[]> {
  const reference = await startSimulator({ timeScale: 0, model: MODEL, preset: 'H8' });
  try {
    const made: Conversation[] = [];
    for (let at = 0; at < count; at++) {
      const content = `${count} ${answerTokens} ${at}:${wordsOf(at + 1, promptTokens)}`;
      const body = (streams: boolean): string =>
        JSON.stringify({ model: MODEL, stream: streams, max_tokens: answerTokens, ignore_eos: true, messages: [{ role: 'user', content }] });
      const response = await fetch(`${reference.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: body(false) });
      const { choices } = (await response.json()) as { choices: [{ message: { content: string } }] };
      made.push({ answer: choices[0].message.content, body });
    }
    return made;
  } finally {
    await reference.close();
  }
}
