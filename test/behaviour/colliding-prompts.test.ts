// Hashes choose an endpoint and nothing else: where all of them collide, requests are misrouted and answers are right. None leaves the process.

import { test } from 'tap';
import { createPromptReader } from '../../src/prompt/read.ts';
import { startForwardingServer } from '../support/forwarding-server.ts';
import { sized, startRawUpstream, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, SURFACES } from '../support/surfaces.ts';

const echo = ({ body, socket }: RawRequest): void => void socket.write(sized(200, body));
const encoder = new TextEncoder();

test('different prompts whose blocks are all the same are taken for one, and each gets the answer to its own', async (t) => {
  const upstreams = [await startRawUpstream(t, echo), await startRawUpstream(t, echo)];
  const reader = createPromptReader({ secret: new Uint8Array(32) });
  const { prompts } = reader.read('chat', encoder.encode(CHAT.body('the one that all are taken for '.repeat(50), false)));
  const { send, log, parts } = await startForwardingServer(t, { endpoints: upstreams.map(({ url }) => url) }, { readPrompt: (surface, body) => ({ ...reader.read(surface, body), prompts }) });
  const told: string[] = [];
  const endpoints = new Set<string>();
  for (let i = 0; i < 10; i += 1) {
    for (const surface of SURFACES) {
      const body = surface.body(`prompt ${i}`, false);
      const { status, headers, text, record } = await send('', surface, body);
      t.equal(status, 200);
      t.equal(text, body);
      if (told.length > 0) t.equal(record.matchRatio, 1, 'it is believed to be held');
      endpoints.add(record.endpoint);
      told.push(JSON.stringify([...headers]));
    }
  }
  t.equal(endpoints.size, 1, 'all go where the first went');
  const everything = [...told, log(), await parts.metrics.text()].join('\n');
  for (const word of prompts[0].hashes) {
    t.notOk(everything.includes(String(word)) || everything.includes((word >>> 0).toString(16).padStart(8, '0')), 'no half of a hash is told');
  }
});

test('each process hashes with a secret of its own', async (t) => {
  const upstream = await startRawUpstream(t, echo);
  const body = encoder.encode(CHAT.body('the same prompt', false));
  const hashes: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { parts } = await startForwardingServer(t, { endpoints: [upstream.url] });
    hashes.push(String(parts.forward.readPrompt('chat', body, undefined).prompts[0].hashes));
  }
  t.equal(new Set(hashes).size, 3);
});
