// chat-requests.ts: chat requests as an SDK sends them, as bytes. Half of each prompt is new, half was sent before in the same conversation.

const CONVERSATIONS = 64;
/** Of one message in a long prompt. */
const MESSAGE_BYTES = 4096;
const WORDS = 'the model holds a prefix of each prompt so that it need not compute what it has computed before and every request goes where its beginning is known'.split(' ');

/** Requests of one size. Each call gives another one. */
export class ChatRequests {
  readonly #openings: string[] = [];
  readonly #bodyBytes: number;
  readonly #stream: boolean;
  #count = 0;

  constructor(bodyBytes: number, stream: boolean) {
    this.#bodyBytes = bodyBytes;
    this.#stream = stream;
    for (let i = 0; i < CONVERSATIONS; i += 1) this.#openings.push(messages(bodyBytes / 2, `conversation ${i} of ${bodyBytes}`));
  }

  /** Head and body. */
  next(port: number): Buffer {
    const turn = this.#count++;
    const head = `{"stream":${this.#stream},"model":"bench","messages":[`;
    const opening = this.#openings[turn % CONVERSATIONS]!;
    const left = this.#bodyBytes - head.length - opening.length - 3;
    const body = `${head}${opening},${messages(left, `turn ${turn}`)}]}`;
    return Buffer.from(`${requestHead(port, body.length)}${body}`, 'latin1');
  }
}

/** Messages of about `bytes` together, speakers alternating, that begin with `start` and go on alike. */
function messages(bytes: number, start: string): string {
  const parts: string[] = [];
  let role = 'user';
  let begin = start;
  for (let left = bytes; left > 0; left -= MESSAGE_BYTES) {
    const size = Math.min(left, MESSAGE_BYTES) - '{"role":"assistant","content":""},'.length;
    parts.push(`{"role":"${role}","content":"${begin} ${filler(Math.max(0, size - begin.length))}"}`);
    role = role === 'user' ? 'assistant' : 'user';
    begin = '';
  }
  return parts.join(',');
}

const FILLER = Array.from({ length: MESSAGE_BYTES }, (_, i) => WORDS[(i * i + 7 * i) % WORDS.length]).join(' ');

function filler(bytes: number): string {
  return FILLER.slice(0, bytes);
}

function requestHead(port: number, bytes: number): string {
  return [
    'POST /v1/chat/completions HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    'accept: application/json',
    'content-type: application/json',
    'user-agent: OpenAI/JS 6.49.0',
    'x-stainless-lang: js',
    'x-stainless-os: Linux',
    'x-stainless-runtime: node',
    'x-stainless-retry-count: 0',
    'authorization: Bearer sk-none',
    'accept-encoding: identity',
    'connection: keep-alive',
    `content-length: ${bytes}`,
    '\r\n',
  ].join('\r\n');
}
