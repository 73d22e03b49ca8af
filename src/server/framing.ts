// framing.ts: whether the head of a request says one thing only. What Node's parser lets pass and another one may read differently is refused here. Pure.

import type { ErrorAnswer } from '../proxy/error-answer.ts';

/** A request as far as its head goes, as Node's parser gives it. */
export interface RequestHead {
  /** `1.1` */
  readonly version: string;
  readonly method: string;
  /** The request target as it came. */
  readonly target: string;
  /** Name, value, name, value … as they came. */
  readonly rawHeaders: readonly string[];
}

const HEADERS_MAX = 100;

/** Printable ASCII from the slash on, and no fragment. RFC 9112, section 3.2.1; characters that no URI has make a path that does not exist. */
const ORIGIN_FORM = /^\/[!"$-~]*$/;
/** Known as a path that does not exist. RFC 9112, section 3.2.2. */
const ABSOLUTE_FORM = /^https?:\/\/[!"$-~]+$/i;
/** A name, an IPv4 address or a bracketed IPv6 one, with a port or without. RFC 9110, section 7.2, less what no host is called. */
const HOST = /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;
const LENGTH = /^[0-9]{1,15}$/;
/** Their body means nothing, and not everybody expects one. RFC 9110, sections 9.3.1, 9.3.2 and 9.3.8. */
const BODILESS = new Set(['GET', 'HEAD', 'TRACE']);

/** What of the head says how the request is framed. */
interface Framing {
  hosts: number;
  host: string;
  lengths: number;
  length: string;
  codings: number;
  coding: string;
  upgrades: boolean;
  /** Something other than `100-continue`. */
  expectation: boolean;
}

/** What is wrong with a request's head, as the answer to it; undefined when nothing is. Nothing after it on its connection may be read. */
export function framingProblem({ version, method, target, rawHeaders }: RequestHead): ErrorAnswer | undefined {
  if (version !== '1.1' && version !== '1.0') return { status: 505, message: `HTTP/${version} is not spoken here; wanted HTTP/1.1.`, code: 'http_version_not_supported' };
  if (rawHeaders.length > 2 * HEADERS_MAX) return { status: 431, message: `The request has more than ${HEADERS_MAX} header lines.`, code: 'too_many_headers' };
  if (!ORIGIN_FORM.test(target) && !ABSOLUTE_FORM.test(target)) return invalid('The request target is not a path in printable ASCII.');
  const framing = framingOf(rawHeaders);
  return hostProblem(framing, version) ?? bodyProblem(framing, version, method) ?? (framing.expectation && version !== '1.0' ? UNEXPECTED : undefined);
}

const UNEXPECTED: ErrorAnswer = { status: 417, message: 'The only expectation that can be met is 100-continue.', code: 'expectation_failed' };

function framingOf(rawHeaders: readonly string[]): Framing {
  const found: Framing = { hosts: 0, host: '', lengths: 0, length: '', codings: 0, coding: '', upgrades: false, expectation: false };
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    // Most names are told apart by their length alone.
    if (name.length === 4 && name.toLowerCase() === 'host') {
      found.hosts += 1;
      found.host = rawHeaders[i + 1]!;
    } else if (name.length === 14 && name.toLowerCase() === 'content-length') {
      found.lengths += 1;
      found.length = rawHeaders[i + 1]!;
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      found.codings += 1;
      found.coding = rawHeaders[i + 1]!;
    } else if (name.length === 7 && name.toLowerCase() === 'upgrade') found.upgrades = true;
    else if (name.length === 6 && name.toLowerCase() === 'expect' && rawHeaders[i + 1]!.toLowerCase() !== '100-continue') found.expectation = true;
  }
  return found;
}

function hostProblem({ hosts, host }: Framing, version: string): ErrorAnswer | undefined {
  if (hosts > 1) return invalid('The request has several Host headers; wanted one.');
  if (hosts === 0) return version === '1.0' ? undefined : invalid('The request has no Host header.');
  return HOST.test(host) ? undefined : invalid('The Host header is not a host name or address, with a port or without.');
}

/** RFC 9112, sections 6.1 to 6.3. */
function bodyProblem({ lengths, length, codings, coding, upgrades }: Framing, version: string, method: string): ErrorAnswer | undefined {
  if (lengths === 0 && codings === 0) return undefined;
  if (lengths > 1) return invalid('The request has several Content-Length headers; wanted one.');
  if (lengths > 0 && codings > 0) return invalid('The request has both Content-Length and Transfer-Encoding; wanted one of them.');
  if (lengths > 0 && !LENGTH.test(length)) return invalid('The Content-Length header is not a whole number of bytes.');
  if (codings > 1 || (codings > 0 && coding.toLowerCase() !== 'chunked')) return invalid('The Transfer-Encoding of the request is not chunked, which is the only one that is understood.');
  if (codings > 0 && version === '1.0') return invalid('A request of HTTP/1.0 has no Transfer-Encoding; wanted Content-Length.');
  if (lengths > 0 && Number(length) === 0) return undefined;
  if (upgrades) return invalid('A request with a body cannot ask for another protocol: send it without Upgrade, as HTTP/1.1.');
  return BODILESS.has(method) ? invalid(`A ${method} request has no body here.`) : undefined;
}

function invalid(message: string): ErrorAnswer {
  return { status: 400, message, code: 'invalid_http' };
}
