// One of three endpoints answers 500 to everything while its probes succeed: few clients see it, and it is left out from then on.

import { test } from 'tap';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const REQUESTS = 200;
const AT_ONCE = 3;
const ERRORS_MAX = 5;
const answerWhole = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(streamOf(CHAT, ['hello'])).toString() + LAST_CHUNK);
const fail = ({ socket }: RawRequest): void => void socket.write(sized(500, '{"error":{"message":"no","type":"InternalServerError","param":null,"code":500}}'));

test('at most five clients see the errors of one endpoint, and no engine is asked much more often than there are requests', async (t) => {
  const erring = await startRawUpstream(t, fail);
  const others = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, answerWhole)];
  const { baselineUrl, endpoints } = await startTestRouter(t, { endpoints: [erring, ...others].map(({ url }) => url) });
  const statuses: number[] = [];
  let sent = 0;
  const client = async (): Promise<void> => {
    while (sent < REQUESTS) {
      sent += 1;
      statuses.push((await call(t, baselineUrl, { path: CHAT.path, body: CHAT.body(`hello ${sent}`, true) })).status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));

  const errors = statuses.filter((status) => status === 500).length;
  t.ok(errors > 0 && errors <= ERRORS_MAX, `${errors} clients saw an error`);
  t.equal(statuses.filter((status) => status === 200).length, REQUESTS - errors);
  t.ok(erring.requests.length <= ERRORS_MAX);
  const asked = erring.requests.length + others.reduce((sum, { requests }) => sum + requests.length, 0);
  t.ok(asked <= 1.2 * REQUESTS + 3, `${asked} requests to engines`);
  t.match((await endpoints()).map(({ id, available }) => [id, available]), [[erring.id, false], [others[0]!.id, true], [others[1]!.id, true]]);
});
