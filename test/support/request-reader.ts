// request-reader.ts: takes HTTP requests apart for tests that count bytes, without the parser that the router uses.

export interface ReadRequest {
  readonly method: string;
  /** As it stood in the request line. */
  readonly path: string;
  /** In the order and case in which they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Without its framing. */
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';

/** Calls back for each whole request. What it does not understand it throws at. */
export class RequestReader {
  readonly #onRequest: (request: ReadRequest) => void;
  #bytes: Buffer[] = [];
  #length = 0;
  /** Nothing can be whole before so many bytes are here. */
  #wanted = 0;

  constructor(onRequest: (request: ReadRequest) => void) {
    this.#onRequest = onRequest;
  }

  feed(chunk: Buffer): void {
    this.#bytes.push(chunk);
    this.#length += chunk.length;
    while (this.#length > 0 && this.#length >= this.#wanted && this.#take());
  }

  #take(): boolean {
    const all = Buffer.concat(this.#bytes);
    this.#bytes = [all];
    const headEnd = all.indexOf(HEAD_END);
    if (headEnd < 0) return false;
    const [line = '', ...lines] = all.toString('latin1', 0, headEnd).split('\r\n');
    const headers = lines.map((text) => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1).trim()] as const);
    const [method = '', path = ''] = line.split(' ');
    const found = bodyOf(all, headEnd + HEAD_END.length, headers);
    if (typeof found === 'number') {
      this.#wanted = found;
      return false;
    }
    this.#bytes = [all.subarray(found.end)];
    this.#length -= found.end;
    this.#wanted = 0;
    this.#onRequest({ method, path, headers, body: found.body });
    return true;
  }
}

/** The body, or how many bytes must be here before it can be whole. */
function bodyOf(all: Buffer, start: number, headers: ReadRequest['headers']): { body: Buffer; end: number } | number {
  if (headerOf(headers, 'transfer-encoding') !== undefined) return dechunk(all, start) ?? all.length + 1;
  const end = start + Number(headerOf(headers, 'content-length') ?? 0);
  return all.length < end ? end : { body: all.subarray(start, end), end };
}

/** The first header of this name, in lower case. */
export function headerOf(headers: ReadRequest['headers'], name: string): string | undefined {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1];
}

/** The body that stands in chunks from `start` on, and where it ends; undefined when its last chunk is not here. */
export function dechunk(all: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const { parts, end, whole } = chunksFrom(all, start);
  return whole ? { body: Buffer.concat(parts), end } : undefined;
}

/** The same as far as it goes, for bodies that were cut. */
export function chunksFrom(all: Buffer, start: number): { parts: Buffer[]; end: number; whole: boolean } {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = all.indexOf('\r\n', at);
    if (lineEnd < 0) return { parts, end: at, whole: false };
    const size = Number.parseInt(all.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error(`No chunk size: ${all.toString('latin1', at, lineEnd)}`);
    const bodyStart = lineEnd + 2;
    if (all.length < bodyStart + size + 2) {
      if (size > 0) parts.push(all.subarray(bodyStart, Math.min(all.length, bodyStart + size)));
      return { parts, end: all.length, whole: false };
    }
    if (size === 0) return { parts, end: bodyStart + 2, whole: true };
    parts.push(all.subarray(bodyStart, bodyStart + size));
    at = bodyStart + size + 2;
  }
}
