// upstream-process.ts: four engines in one process that answer without thinking: every byte is made before it is asked for.
// They stand in for vLLM where only the cost of what stands in front of it counts.
//
// Sends its origins to the parent when it listens, and takes UpstreamCommand from it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `tick`: each stream gets a chunk every 20 ms. `rest`: none does. `finish`: open streams end. */
export type UpstreamCommand = 'tick' | 'rest' | 'finish';

const ENGINES = 4;
/** As an engine does 50 steps a second, and writes to all its streams at the end of each. */
const STEP_MS = 20;
const UNREAD_MAX_BYTES = 65_536;
const LIFETIME_MAX_MS = 3_600_000;

const ID = '"id":"chatcmpl-bfa8c0b729d62b84","object":"chat.completion';
const STREAM_HEAD = `data: {${ID}.chunk","created":1795352681,"model":"bench"`;
const FIRST_EVENT = `${STREAM_HEAD},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}\n\n`;
const EVENT = `${STREAM_HEAD},"choices":[{"index":0,"delta":{"content":" ervisor"},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n`;
const LAST_EVENTS =
  `${STREAM_HEAD},"choices":[{"index":0,"delta":{"content":"."},"logprobs":null,"finish_reason":"stop","token_ids":null}]}\n\n` +
  `${STREAM_HEAD},"choices":[],"usage":{"prompt_tokens":500,"total_tokens":900,"completion_tokens":400,"prompt_tokens_details":{"cached_tokens":240}}}\n\n` +
  'data: [DONE]\n\n';
const FRAMED_EVENT = Buffer.from(`${EVENT.length.toString(16)}\r\n${EVENT}\r\n`);
const ANSWER = Buffer.from(
  `{${ID}","created":1795352682,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"lationervisorlationervisor","refusal":null,` +
    '"annotations":null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}],"service_tier":null,' +
    '"system_fingerprint":"vllm-0.32.0-8cb5ae5d","usage":{"prompt_tokens":500,"total_tokens":508,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":240}},"prompt_logprobs":null}',
);
const MODELS = Buffer.from('{"object":"list","data":[{"id":"bench","object":"model","created":1795352681,"owned_by":"vllm","root":"bench","parent":null}]}');
const METRICS = Buffer.from(
  'vllm:num_requests_running{engine="0",model_name="bench"} 0.0\nvllm:num_requests_waiting{engine="0",model_name="bench"} 0.0\n' +
    'vllm:kv_cache_usage_perc{engine="0",model_name="bench"} 0.0\nvllm:cache_config_info{engine="0",block_size="16",num_gpu_blocks="30000"} 1.0\n',
);

const streams: Set<ServerResponse>[] = [];
let ticking = false;

function answer(response: ServerResponse, type: string, body: Buffer): void {
  response.writeHead(200, { 'content-type': type, 'content-length': body.length, server: 'uvicorn' }).end(body);
}

function chat(request: IncomingMessage, response: ServerResponse, open: Set<ServerResponse>): void {
  let isStream: boolean | undefined;
  request.on('data', (chunk: Buffer) => (isStream ??= chunk.includes('"stream":true')));
  request.on('end', () => {
    if (isStream !== true) {
      answer(response, 'application/json', ANSWER);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', server: 'uvicorn' });
    response.write(FIRST_EVENT);
    open.add(response);
    response.on('close', () => open.delete(response));
  });
}

function createEngine(): Server {
  const open = new Set<ServerResponse>();
  streams.push(open);
  return createServer({ keepAliveTimeout: 5000 }, (request, response) => {
    if (request.method === 'POST') chat(request, response, open);
    else if (request.url === '/v1/models') answer(response, 'application/json', MODELS);
    else if (request.url === '/metrics') answer(response, 'text/plain', METRICS);
    else answer(response, 'text/plain', Buffer.alloc(0));
  });
}

/** One write a chunk, as uvicorn does. */
function step(open: Set<ServerResponse>): void {
  for (const { socket } of open) if (socket !== null && socket.writableLength < UNREAD_MAX_BYTES) socket.write(FRAMED_EVENT);
}

/** The engines step in turn, a quarter of the time apart. */
let steps = 0;
let nextMs = performance.now();
function tick(): void {
  if (ticking) step(streams[steps++ % ENGINES]!);
  nextMs = Math.max(nextMs + STEP_MS / ENGINES, performance.now() - STEP_MS);
  setTimeout(tick, Math.max(0, nextMs - performance.now()));
}

process.on('message', (command: UpstreamCommand) => {
  if (command !== 'finish') ticking = command === 'tick';
  else for (const open of streams) for (const response of open) response.end(LAST_EVENTS);
});
process.once('disconnect', () => process.exit(0));
setTimeout(() => process.exit(1), LIFETIME_MAX_MS).unref();

const engines = Array.from({ length: ENGINES }, createEngine);
await Promise.all(engines.map((engine) => new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve))));
tick();
process.send?.(engines.map((engine) => `http://127.0.0.1:${(engine.address() as AddressInfo).port}`));
