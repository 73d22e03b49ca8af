// bare-process.ts: what the router is measured against: the least that relays a request with the same libraries.
// It routes by turn and knows nothing of prompts, events, limits, health or metrics.
//
// node bare-process.ts PORT ORIGIN [ORIGIN …]

import fastify from 'fastify';
import { Agent } from 'undici';

const BODY_BYTES_MAX = 33_554_432;
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
const NOT_SENT_ON = new Set([...HOP_BY_HOP, 'host', 'content-length', 'expect']);

const [port, ...origins] = process.argv.slice(2);
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
let turn = 0;

const app = fastify({ logger: false, bodyLimit: BODY_BYTES_MAX });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/v1/chat/completions', async (request, reply) => {
  reply.hijack();
  const { raw } = reply;
  try {
    const answer = await agent.request({
      origin: origins[turn++ % origins.length]!,
      path: request.raw.url!,
      method: 'POST',
      headers: without(request.raw.headers, NOT_SENT_ON),
      body: request.body as Buffer,
    });
    raw.on('close', () => answer.body.destroy());
    answer.body.on('error', () => raw.destroy());
    raw.writeHead(answer.statusCode, without(answer.headers, HOP_BY_HOP));
    answer.body.pipe(raw);
  } catch {
    if (raw.headersSent) raw.destroy();
    else raw.writeHead(502).end();
  }
});

function without<Headers extends object>(headers: Headers, names: ReadonlySet<string>): Headers {
  const out: Record<string, unknown> = {};
  for (const name in headers) if (!names.has(name)) out[name] = headers[name];
  return out as Headers;
}

await app.listen({ host: '127.0.0.1', port: Number(port) });
process.once('SIGTERM', () => process.exit(0));
