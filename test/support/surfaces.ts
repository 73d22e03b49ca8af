// surfaces.ts: each API whose answers are generated, as a test needs it: a request, and the events of a stream from first to terminal.

export interface SurfaceCase {
  readonly name: string;
  readonly path: string;
  /** A request whose prompt is this text. */
  body(text: string, stream: boolean): string;
  /** What a stream begins with, complete events. */
  readonly opening: string;
  /** One event with this text generated. */
  delta(text: string): string;
  /** What a whole stream ends with. */
  readonly terminal: string;
  /** In the middle of a stream: how the API tells an error. */
  readonly errorEvent: RegExp;
}

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const openaiError = /^data: \{"error":\{"message":"[^"]+","type":"server_error","param":null,"code":"upstream_error"\}\}\n\n$/;

export const SURFACES: readonly SurfaceCase[] = [
  {
    name: 'chat',
    path: '/v1/chat/completions',
    body: (content, stream) => JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], stream }),
    opening: data({ id: 'c', choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }),
    delta: (content) => data({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
    terminal: 'data: [DONE]\n\n',
    errorEvent: openaiError,
  },
  {
    name: 'completions',
    path: '/v1/completions',
    body: (prompt, stream) => JSON.stringify({ model: 'm', prompt, stream }),
    opening: data({ id: 'c', choices: [{ index: 0, text: '', finish_reason: null }] }),
    delta: (text) => data({ id: 'c', choices: [{ index: 0, text, finish_reason: null }] }),
    terminal: 'data: [DONE]\n\n',
    errorEvent: openaiError,
  },
  {
    name: 'responses',
    path: '/v1/responses',
    body: (input, stream) => JSON.stringify({ model: 'm', input, stream }),
    opening: event('response.created', { response: { id: 'resp_1' } }),
    delta: (delta) => event('response.output_text.delta', { delta }),
    terminal: event('response.completed', { response: { id: 'resp_1', usage: { input_tokens: 5, output_tokens: 2, input_tokens_details: { cached_tokens: 1 } } } }),
    errorEvent: /^event: error\ndata: \{"type":"error","code":"upstream_error","message":"[^"]+","param":null,"sequence_number":\d+\}\n\n$/,
  },
  {
    name: 'messages',
    path: '/v1/messages',
    body: (content, stream) => JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }], stream }),
    opening: event('message_start', { message: { id: 'msg_1', usage: { input_tokens: 5, output_tokens: 0 } } }),
    delta: (text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    terminal: event('message_stop', {}),
    errorEvent: /^event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"[^"]+"\}\}\n\n$/,
  },
];

export const CHAT = SURFACES[0] as SurfaceCase;

/** A whole stream. */
export function streamOf(surface: SurfaceCase, texts: readonly string[]): string {
  return surface.opening + texts.map(surface.delta).join('') + surface.terminal;
}
