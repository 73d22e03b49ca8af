// Three times as many requests as the endpoints may have: as many as fit are answered all the time, the rest hears soon that it is not, and when to come back.

import { test } from 'tap';
import { call, header, type Answer } from '../support/raw-client.ts';
import { sized, startRawUpstream, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const ENDPOINTS = 2;
const IN_FLIGHT_MAX = 4;
const CAPACITY = ENDPOINTS * IN_FLIGHT_MAX;
const WAITING_MAX = 6;
const OFFERED = 3 * CAPACITY;
/** Long enough for all of them to come, on a machine that is busy with other things. */
const WAIT_MAX_MS = 3000;

test('what fits is sent, some wait, the rest is refused at once; who waits too long is refused too, all with Retry-After', async (t) => {
  const held: RawRequest[] = [];
  const upstreams = await Promise.all(Array.from({ length: ENDPOINTS }, () => startRawUpstream(t, (request) => void held.push(request))));
  const { url, adminUrl, endpoints } = await startTestRouter(t, {
    pools: [{ name: 'default', endpoints: upstreams.map((upstream) => upstream.url), slow_start_ms: 0, in_flight_max: IN_FLIGHT_MAX }],
    admission: { queue_length_max: WAITING_MAX, queue_wait_max_ms: WAIT_MAX_MS },
  });
  const answers: Answer[] = [];
  const clients = Array.from({ length: OFFERED }, async (_, at) => {
    answers.push(await call(t, url, { path: CHAT.path, body: CHAT.body(`hello ${at}`, false) }));
  });
  await eventually(() => held.length === CAPACITY && answers.length === OFFERED - CAPACITY, 10 * WAIT_MAX_MS);
  t.equal(answers.filter(({ body }) => body.includes('no room to wait')).length, OFFERED - CAPACITY - WAITING_MAX, 'refused at once');
  t.equal(answers.filter(({ body }) => body.includes('queue_wait_max_ms')).length, WAITING_MAX, 'refused after the wait');
  for (const answer of answers) {
    t.match(answer, { status: 503, whole: true });
    t.match(header(answer, 'retry-after'), /^[1-9]\d*$/);
  }
  t.equal((await fetch(`${adminUrl}/live`)).status, 200);
  for (const { socket } of held) socket.write(sized(200, '{"choices":[]}'));
  await Promise.all(clients);
  t.equal(answers.filter(({ status }) => status === 200).length, CAPACITY, 'what was under way is answered');
  for (const endpoint of await endpoints()) t.match(endpoint, { in_flight: 0 });
});

test('while more is offered than fits, every slot is used all the time', { timeout: 60_000 }, async (t) => {
  const held: RawRequest[] = [];
  let rounds = 0;
  // Nobody is answered before every slot is taken.
  const onRequest = (request: RawRequest): void => {
    held.push(request);
    if (held.length < CAPACITY) return;
    rounds += 1;
    for (const { socket } of held.splice(0)) socket.write(sized(200, '{"choices":[]}'));
  };
  const upstreams = await Promise.all(Array.from({ length: ENDPOINTS }, () => startRawUpstream(t, onRequest)));
  const { url, endpoints } = await startTestRouter(t, {
    pools: [{ name: 'default', endpoints: upstreams.map((upstream) => upstream.url), slow_start_ms: 0, in_flight_max: IN_FLIGHT_MAX }],
    admission: { queue_wait_max_ms: 30_000 },
  });
  const answers = await Promise.all(Array.from({ length: 10 * CAPACITY }, (_, at) => call(t, url, { path: CHAT.path, body: CHAT.body(`hello ${at}`, false) })));
  t.same(answers.filter(({ status, whole }) => status !== 200 || !whole), []);
  t.equal(rounds, 10);
  for (const endpoint of await endpoints()) t.match(endpoint, { in_flight: 0 });
});
