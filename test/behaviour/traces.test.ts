// W3C trace context: continued through the router, or begun there.

import { test } from 'tap';
import { call } from '../support/raw-client.ts';
import { headerOf } from '../support/request-reader.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

for (const path of [CHAT.path, '/tokenize']) {
  test(`${path}: a trace goes on with the router as the parent; none or a broken one is begun, without its state`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
    const { url, lines } = await startTestRouter(t, { endpoints: [upstream.url] });
    const sent = async (at: number, headers: readonly string[]): Promise<readonly [parent: string | undefined, state: string | undefined]> => {
      await call(t, url, { path, headers: [`x-request-id: r${at}`, ...headers], body: CHAT.body('hello', false) });
      const got = (await upstream.request(at)).headers;
      t.equal(got.filter(([name]) => name.toLowerCase() === 'traceparent').length, 1);
      return [headerOf(got, 'traceparent'), headerOf(got, 'tracestate')];
    };
    const logged = (at: number): unknown => lines().find(({ id }) => id === `r${at}`)?.['trace_id'];

    const [parent, state] = await sent(0, [`traceparent: 00-${TRACE}-${PARENT}-01`, 'tracestate: vendor=1']);
    t.match(parent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    t.notMatch(parent, PARENT);
    t.equal(state, 'vendor=1');
    t.equal(logged(0), TRACE);
    const traces = new Set();
    for (const [at, given] of [[1, []], [2, ['traceparent: 00-1-2-03', 'tracestate: vendor=1']], [3, [`traceparent: 00-${TRACE}-${PARENT}-01`, `traceparent: 00-${TRACE}-${PARENT}-01`]]] as const) {
      const [begun, without] = await sent(at, given);
      t.match(begun, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
      t.notMatch(begun, TRACE);
      t.equal(without, undefined);
      t.equal(logged(at), begun!.slice(3, 35));
      traces.add(logged(at));
    }
    t.equal(traces.size, 3, 'another one for each request');
  });
}
