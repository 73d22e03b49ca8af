// admin-choices.ts: why requests went where they went, and where one would go: /explain, /choices and the stream of them.

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Choice, Choices, Explanation } from '../core/choice.ts';
import { RequestError } from '../core/errors.ts';
import { ANYBODY } from '../core/identity.ts';
import type { Surface } from '../core/request.ts';
import { GatheredBytes } from '../proxy/gathered-bytes.ts';
import { choiceAnswer, explanationAnswer } from './choice-answers.ts';
import { ChoiceFeed } from './choice-feed.ts';
import { registerStream } from './event-stream.ts';
import { GENERATION_PATHS } from './surfaces.ts';

export interface ChoicesOptions {
  readonly choices: Choices;
  /** The dispatcher's, in milliseconds. */
  readonly clock: () => number;
  /** Names of the listeners for clients, the first one asked for when none is named. */
  readonly listeners: () => readonly string[];
  readonly bodyBytesMax: () => number;
  /** `tenant` is of interest where tenants are kept apart. Throws RequestError when the body cannot be read. */
  readonly explain: (listener: string, surface: Surface, body: Uint8Array, tenant: string) => Explanation;
}

const SHOWN_DEFAULT = 100;
const CHOICES_EACH_TICK = 5;
const SURFACES: ReadonlyMap<string, Surface> = new Map(GENERATION_PATHS);

/** Who may ask is for the listener to say. */
export function registerChoices(admin: FastifyInstance, options: ChoicesOptions): void {
  const { choices, clock } = options;
  admin.get('/choices', (request, reply) => {
    const { n = String(SHOWN_DEFAULT) } = request.query as { n?: string };
    if (!/^[1-9]\d{0,5}$/.test(n)) return reply.code(400).send({ error: `n is ${JSON.stringify(n)}, wanted a whole number of choices ≥ 1` });
    return reply.send({ choices: newest(choices, Number(n)).map((choice) => choiceAnswer(choice, clock())) });
  });

  registerStream(admin, '/choices/stream', new ChoiceFeed({ choices, clock, shown: choiceAnswer, eachTick: CHOICES_EACH_TICK, greetedWith: 0 }));

  admin.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', async (_request: FastifyRequest, payload: IncomingMessage) => collect(payload, options.bodyBytesMax()));
    scope.all('/explain', (request, reply) => (request.method === 'POST' ? explain(options, request, reply) : reply.code(405).header('allow', 'POST').send({ error: 'this takes POST' })));
  });
}

function explain(options: ChoicesOptions, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const names = options.listeners();
  const { listener = names[0] ?? '', surface, path, tenant = ANYBODY.tenant } = request.query as { listener?: string; surface?: string; path?: string; tenant?: unknown };
  if (!names.includes(listener)) return reply.code(404).send({ error: `there is no listener ${JSON.stringify(listener)}, wanted one of ${names.join(', ')}` });
  const wanted = path === undefined ? (surface ?? 'chat') : SURFACES.get(path);
  const found = [...SURFACES.values()].find((each) => each === wanted);
  if (found === undefined) {
    const error = path === undefined ? `surface is ${JSON.stringify(surface)}, wanted one of ${[...SURFACES.values()].join(', ')}` : `path is ${JSON.stringify(path)}, wanted one of ${[...SURFACES.keys()].join(', ')}`;
    return reply.code(400).send({ error });
  }
  if (typeof tenant !== 'string') return reply.code(400).send({ error: `tenant is ${JSON.stringify(tenant)}, wanted one` });
  try {
    return reply.send(explanationAnswer(options.explain(listener, found, Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0), tenant)));
  } catch (error) {
    if (error instanceof RequestError) return reply.code(error.status).send({ error: error.message });
    throw error;
  }
}

async function collect(payload: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const gathered = new GatheredBytes();
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    gathered.add(chunk);
    if (gathered.length > bytesMax) throw Object.assign(new Error(`the body is larger than the ${bytesMax} bytes that are let in`), { statusCode: 413 });
  }
  return gathered.whole();
}

function newest(choices: Choices, most: number): Choice[] {
  const found: Choice[] = [];
  for (let seq = choices.latest; seq > 0 && found.length < most; seq -= 1) {
    const choice = choices.read(seq);
    if (choice === undefined) break;
    found.push(choice);
  }
  return found;
}
