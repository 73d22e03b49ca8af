// Whatever is sent to the paths that read bodies, somebody gets an answer in the API's shape, and the router goes on.

import * as fc from 'fast-check';
import { test } from 'tap';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT, SURFACES } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const REQUESTS = 300;
const word = fc.constantFrom(
  ...'{}[],:" ', '\\', '"model":', '"m"', '"messages":', '"prompt":', '"input":', '"content":', '"role":"user"', '"stream":true', '"cache_salt":', '"x"', '1', '-1e9', 'null', '\u0000', '\uFEFF', '"__proto__":{"model":"m"}', '['.repeat(100), '9'.repeat(2_000),
);
const body = fc.oneof(
  fc.array(word, { maxLength: 20 }).map((words) => Buffer.from(words.join(''))),
  fc.dictionary(fc.constantFrom('model', 'messages', 'prompt', 'input', 'tools', 'stream', 'n', 'cache_salt', 'system', '__proto__'), fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant('m'))).map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

test('any body is answered by the endpoint or refused in so many words, and nothing is left of it', async (t) => {
  const upstream = await startRawUpstream(t, ({ body: given, socket }) => {
    // An engine that reads no JSON would never see it.
    JSON.parse(new TextDecoder().decode(given));
    socket.write(sized(200, '{}'));
  });
  const router = await startTestRouter(t, { endpoints: [upstream.url], prefix: { tenants: 'isolate', tenant_secret: 'secret' } });
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom(...SURFACES), async (bytes, surface) => {
      const answer = await fetch(router.url + surface.path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: bytes });
      const said = (await answer.json()) as { error?: { message?: unknown; type?: unknown } };
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status === 200) return true;
      return [400, 404].includes(answer.status) && typeof said.error?.message === 'string' && said.error.message !== '' && typeof said.error.type === 'string';
    }),
    { numRuns: REQUESTS },
  );
  t.ok((statuses.get(200) ?? 0) > 10 && (statuses.get(400) ?? 0) > 10, JSON.stringify([...statuses]));
  t.equal((await fetch(router.url + CHAT.path, { method: 'POST', body: CHAT.body('x', false) })).status, 200);
  await eventually(async () => (await router.endpoints()).every(({ in_flight: inFlight, queued_prompt_tokens: queued }) => inFlight === 0 && queued === 0));
  t.notOk(router.lines().some(({ msg }) => msg === 'unexpected error'));
});
