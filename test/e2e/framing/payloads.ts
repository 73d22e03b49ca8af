// payloads.ts: requests that are malformed or can be read in two ways, by the section of the standard that they try, and what becomes of each.

/** One request, or several that pretend to be one. */
export interface Payload {
  /** RFC and section. */
  readonly section: string;
  readonly name: string;
  /** One character is one byte. */
  readonly bytes: string;
  /** Status of the router's refusal; or `passed`: it reaches the endpoint as one request with this body. */
  readonly expected: number | { readonly passed: string };
}

export const JSON_BODY = '{"model":"m","messages":[]}';
/** What must never arrive: it hides in the payloads as a second request. */
export const SMUGGLED = 'POST /v1/completions HTTP/1.1\r\nHost: smuggled\r\nContent-Length: 11\r\n\r\n{"model":1}';

const POST = 'POST /v1/chat/completions HTTP/1.1\r\n';
const HOST = 'Host: router\r\n';
const SIZED = `Content-Length: ${JSON_BODY.length}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const CHUNKS = `${JSON_BODY.length.toString(16)}\r\n${JSON_BODY}\r\n0\r\n\r\n`;
const PASSED = { passed: JSON_BODY };

type Row = readonly [name: string, bytes: string, expected: Payload['expected']];

const section = (title: string, rows: readonly Row[]): Payload[] => rows.map(([name, bytes, expected]) => ({ section: title, name, bytes, expected }));

/** A request with these header lines besides Host, each with its line end, and what follows its head. */
const post = (lines: string, rest: string): string => `${POST}${HOST}${lines}\r\n${rest}`;
/** The same in chunks. */
const chunked = (chunks: string): string => post(CHUNKED, chunks);
/** A sound request with one more header line. */
const withLine = (line: string): string => post(`${line}${SIZED}`, JSON_BODY);
/** A sound request but for its first line. */
const withStart = (line: string): string => `${line}${HOST}${SIZED}\r\n${JSON_BODY}`;

const lengthAndCoding = section('9112 6.1: Content-Length and Transfer-Encoding', [
  ['the length first', post(`Content-Length: 6\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`), 400],
  ['the coding first', post(`${CHUNKED}Content-Length: 6\r\n`, `0\r\n\r\n${SMUGGLED}`), 400],
  ['the length of one chunk', post(`Content-Length: 4\r\n${CHUNKED}`, `5c\r\n${SMUGGLED}\r\n0\r\n\r\n`), 400],
  ['a length of 0', post(`Content-Length: 0\r\n${CHUNKED}`, CHUNKS), 400],
  ['both in lower case', post('content-length: 5\r\ntransfer-encoding: chunked\r\n', CHUNKS), 400],
  ['both in upper case', post('CONTENT-LENGTH: 5\r\nTRANSFER-ENCODING: CHUNKED\r\n', CHUNKS), 400],
  ['far from each other', post(`${CHUNKED}${'x: y\r\n'.repeat(50)}Content-Length: 5\r\n`, CHUNKS), 400],
  ['and a Connection header that drops the length', post(`Connection: content-length\r\nContent-Length: 6\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`), 400],
  ['and a Connection header that drops the coding', post(`Connection: transfer-encoding\r\n${CHUNKED}Content-Length: 6\r\n`, `0\r\n\r\n${SMUGGLED}`), 400],
]);

const codings = section('9112 6.1, 7: Transfer-Encoding', [
  ['empty', post('Transfer-Encoding:\r\n', SMUGGLED), 400],
  ['empty beside a length', post(`Transfer-Encoding:\r\n${SIZED}`, JSON_BODY), 400],
  ['blanks', post(`Transfer-Encoding:  \t \r\n`, CHUNKS), 400],
  ['identity', post('Transfer-Encoding: identity\r\n', SMUGGLED), 400],
  ['unknown', post('Transfer-Encoding: cow\r\n', CHUNKS), 400],
  ['gzip alone', post('Transfer-Encoding: gzip\r\n', CHUNKS), 400],
  ['gzip, then chunked', post('Transfer-Encoding: gzip, chunked\r\n', CHUNKS), 400],
  ['gzip on another line', post(`Transfer-Encoding: gzip\r\n${CHUNKED}`, CHUNKS), 400],
  ['chunked, then gzip', post('Transfer-Encoding: chunked, gzip\r\n', CHUNKS), 400],
  ['chunked, then identity', post('Transfer-Encoding: chunked, identity\r\n', CHUNKS), 400],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', CHUNKS), 400],
  ['chunked on two lines', post(CHUNKED + CHUNKED, CHUNKS), 400],
  ['chunked on one line and nothing on the other', post(`${CHUNKED}Transfer-Encoding:\r\n`, CHUNKS), 400],
  ['a comma before', post('Transfer-Encoding: ,chunked\r\n', CHUNKS), 400],
  ['a comma after', post('Transfer-Encoding: chunked,\r\n', CHUNKS), 400],
  ['letters before', post('Transfer-Encoding: xchunked\r\n', CHUNKS), 400],
  ['letters after', post('Transfer-Encoding: chunkedx\r\n', CHUNKS), 400],
  ['in quotes', post('Transfer-Encoding: "chunked"\r\n', CHUNKS), 400],
  ['with a parameter', post('Transfer-Encoding: chunked;q=1\r\n', CHUNKS), 400],
  ['a vertical tab before', post('Transfer-Encoding: \x0bchunked\r\n', CHUNKS), 400],
  ['a form feed after', post('Transfer-Encoding: chunked\x0c\r\n', CHUNKS), 400],
  ['a NUL after', post('Transfer-Encoding: chunked\0\r\n', CHUNKS), 400],
  ['a non-breaking space before', post('Transfer-Encoding: \xa0chunked\r\n', CHUNKS), 400],
  ['in HTTP/1.0', `POST /v1/chat/completions HTTP/1.0\r\n${HOST}${CHUNKED}\r\n${CHUNKS}`, 400],
  ['in HTTP/1.0, kept alive', `POST /v1/chat/completions HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n${CHUNKED}\r\n0\r\n\r\n${SMUGGLED}`, 400],
  ['in capitals', post('TRANSFER-ENCODING: CHUNKED\r\n', CHUNKS), PASSED],
  ['a tab before', post('Transfer-Encoding:\tchunked\r\n', CHUNKS), PASSED],
]);

const lengths = section('9112 6.2, 6.3: Content-Length', [
  ['two that differ', post(`Content-Length: 5\r\n${SIZED}`, JSON_BODY), 400],
  ['two alike', post(SIZED + SIZED, JSON_BODY), 400],
  ['a list of two alike', post('Content-Length: 27, 27\r\n', JSON_BODY), 400],
  ['empty', post('Content-Length:\r\n', JSON_BODY), 400],
  ['a plus', post('Content-Length: +27\r\n', JSON_BODY), 400],
  ['a minus', post('Content-Length: -1\r\n', JSON_BODY), 400],
  ['hexadecimal', post('Content-Length: 0x1b\r\n', JSON_BODY), 400],
  ['a fraction', post('Content-Length: 27.0\r\n', JSON_BODY), 400],
  ['an exponent', post('Content-Length: 27e0\r\n', JSON_BODY), 400],
  ['two numbers', post('Content-Length: 2 7\r\n', JSON_BODY), 400],
  ['letters', post('Content-Length: all\r\n', JSON_BODY), 400],
  ['more than 64 bits', post('Content-Length: 18446744073709551643\r\n', JSON_BODY), 400],
  ['a vertical tab', post('Content-Length: \x0b27\r\n', JSON_BODY), 400],
  ['shorter than the body, with the rest no request', post('Content-Length: 27\r\n', `${JSON_BODY}garbage\r\n\r\n`), PASSED],
  ['leading zeros', post('Content-Length: 0000027\r\n', JSON_BODY), PASSED],
  ['blanks around', post('Content-Length: \t 27 \t\r\n', JSON_BODY), PASSED],
]);

const chunks = section('9112 7.1: chunks', [
  ['no size', chunked(`\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a size that is no number', chunked('zz\r\nab\r\n0\r\n\r\n'), 400],
  ['a size with 0x', chunked(`0x1b\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a negative size', chunked('-1\r\nab\r\n0\r\n\r\n'), 400],
  ['a size with a plus', chunked(`+1b\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a size beyond 64 bits', chunked('1000000000000001b\r\nab\r\n0\r\n\r\n'), 400],
  ['a blank before the size', chunked(` 1b\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a blank after the size', chunked(`1b \r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a size that is too small', chunked(`1a\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a size that is too large', chunked(`1c\r\n${JSON_BODY}\r\n0\r\n\r\n${SMUGGLED}`), 400],
  ['no line end after the data', chunked(`1b\r\n${JSON_BODY}0\r\n\r\n`), 400],
  ['LF after the size', chunked(`1b\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['LF after the data', chunked(`1b\r\n${JSON_BODY}\n0\r\n\r\n`), 400],
  ['LF after the last size', chunked(`1b\r\n${JSON_BODY}\r\n0\n\r\n`), 400],
  ['LF at the end', chunked(`1b\r\n${JSON_BODY}\r\n0\r\n\n${SMUGGLED}`), 400],
  ['CR after the size', chunked(`1b\r${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['LF in an extension', chunked(`1b;a\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a request after the LF of an extension', chunked(`2;\nxx\r\n5c\r\n0\r\n\r\n${SMUGGLED}\r\n0\r\n\r\n`), 400],
  ['LF in the value of an extension', chunked(`1b;a=b\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['an open quote in an extension', chunked(`1b;a="\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['a control byte in an extension', chunked(`1b;a\x01\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['an extension of 64 KiB', chunked(`1b;${'a'.repeat(65_536)}\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ['small extensions, 64 KiB together', chunked(`${[...JSON_BODY].map((letter) => `1;${'a'.repeat(2500)}\r\n${letter}\r\n`).join('')}0\r\n\r\n`), PASSED],
  ['an extension', chunked(`1b;a=b;c="d"\r\n${JSON_BODY}\r\n0\r\n\r\n`), PASSED],
  ['leading zeros', chunked(`0000001b\r\n${JSON_BODY}\r\n000\r\n\r\n`), PASSED],
  ['a size in capitals', chunked(`1B\r\n${JSON_BODY}\r\n0\r\n\r\n`), PASSED],
  ['one byte each', chunked(`${[...JSON_BODY].map((letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`), PASSED],
]);

const trailers = section('9112 7.1.2: trailers', [
  ['a length', chunked(`1b\r\n${JSON_BODY}\r\n0\r\nContent-Length: 5\r\n\r\n`), 400],
  ['a coding', chunked(`1b\r\n${JSON_BODY}\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n`), 400],
  ['no name', chunked(`1b\r\n${JSON_BODY}\r\n0\r\n: x\r\n\r\n`), 400],
  ['no colon', chunked(`1b\r\n${JSON_BODY}\r\n0\r\nx y\r\n\r\n`), 400],
  ['LF', chunked(`1b\r\n${JSON_BODY}\r\n0\r\nx: y\n\r\n`), 400],
  ['folded', chunked(`1b\r\n${JSON_BODY}\r\n0\r\nx: y\r\n z\r\n\r\n`), 400],
  ['64 KiB', chunked(`1b\r\n${JSON_BODY}\r\n0\r\nx: ${'y'.repeat(65_536)}\r\n\r\n`), 431],
  ['a key and a Host', chunked(`1b\r\n${JSON_BODY}\r\n0\r\nAuthorization: Bearer x\r\nHost: elsewhere\r\n\r\n`), PASSED],
]);

const lines = section('9112 2.2, 5: lines and fields', [
  ['LF everywhere', `${POST}${HOST}${SIZED}\r\n${JSON_BODY}`.replaceAll('\r\n', '\n'), 400],
  ['LF after the request line', `POST /v1/chat/completions HTTP/1.1\n${HOST}${SIZED}\r\n${JSON_BODY}`, 400],
  ['LF after a header', withLine('x: y\n'), 400],
  ['LF before a length', withLine('x: y\nContent-Length: 0\r\n'), 400],
  ['LF at the end of the head', `${POST}${HOST}${SIZED}\n${JSON_BODY}`, 400],
  ['CR in a value', withLine('x: a\rb\r\n'), 400],
  ['CR before a coding', withLine(`x: y\r${CHUNKED}`), 400],
  ['CR CR LF', withLine('x: y\r\r\n'), 400],
  ['a NUL in a value', withLine('x: a\0b\r\n'), 400],
  ['a NUL in a name', withLine('x\0: y\r\n'), 400],
  ['a control byte in a value', withLine('x: a\x01b\r\n'), 400],
  ['a DEL in a value', withLine('x: a\x7fb\r\n'), 400],
  ['a folded line', withLine('x: a\r\n b\r\n'), 400],
  ['a folded coding', post('Transfer-Encoding:\r\n chunked\r\n', CHUNKS), 400],
  ['a folded length', post('Content-Length:\r\n\t27\r\n', JSON_BODY), 400],
  ['a blank before the first name', `${POST} ${HOST}${SIZED}\r\n${JSON_BODY}`, 400],
  ['a blank before the colon', post('Content-Length : 27\r\n', JSON_BODY), 400],
  ['a blank before the colon of a coding', post('Transfer-Encoding : chunked\r\n', CHUNKS), 400],
  ['a tab before the colon', withLine('x\t: y\r\n'), 400],
  ['no colon', withLine('x\r\n'), 400],
  ['no name', withLine(': y\r\n'), 400],
  ['a name in quotes', withLine('"x": y\r\n'), 400],
  ['a name in brackets', withLine('[x]: y\r\n'), 400],
  ['a name beyond ASCII', withLine('\xe9: y\r\n'), 400],
  ['a name with a slash', withLine('a/b: y\r\n'), 400],
  ['a value of 64 KiB', withLine(`x: ${'y'.repeat(65_536)}\r\n`), 431],
  ['a name of 64 KiB', withLine(`${'x'.repeat(65_536)}: y\r\n`), 431],
  ['101 lines', withLine('x: y\r\n'.repeat(99)), 431],
  ['3,000 lines, and a second Host', withLine(`${'a:\r\n'.repeat(3000)}Host: b\r\n`), 431],
  ['100 lines', withLine('x: y\r\n'.repeat(98)), PASSED],
  ['an empty value', withLine('x:\r\n'), PASSED],
  ['names that objects have', withLine('__proto__: a\r\nconstructor: b\r\ntoString: c\r\n'), PASSED],
  ['names with an underscore', withLine('Content_Length: 5\r\nTransfer_Encoding: chunked\r\n'), PASSED],
  ['a line end before the request', `\r\n${POST}${HOST}${SIZED}\r\n${JSON_BODY}`, PASSED],
]);

const starts = section('9112 3: request line', [
  ['no version', `POST /v1/chat/completions\r\n${HOST}${SIZED}\r\n${JSON_BODY}`, 505],
  ['HTTP/0.9', withStart('POST /v1/chat/completions HTTP/0.9\r\n'), 505],
  ['HTTP/1.2', withStart('POST /v1/chat/completions HTTP/1.2\r\n'), 400],
  ['HTTP/2.0', withStart('POST /v1/chat/completions HTTP/2.0\r\n'), 505],
  ['HTTP/11', withStart('POST /v1/chat/completions HTTP/11\r\n'), 400],
  ['HTTP/1.10', withStart('POST /v1/chat/completions HTTP/1.10\r\n'), 400],
  ['the version in lower case', withStart('POST /v1/chat/completions http/1.1\r\n'), 400],
  ['a blank after the version', withStart('POST /v1/chat/completions HTTP/1.1 \r\n'), 400],
  ['a blank in the target', withStart('POST /v1/chat completions HTTP/1.1\r\n'), 400],
  ['tabs between the parts', withStart('POST\t/v1/chat/completions\tHTTP/1.1\r\n'), 400],
  ['a CR in it', withStart('POST /v1/chat/completions\rHTTP/1.1\r\n'), 400],
  ['a method in lower case', withStart('post /v1/chat/completions HTTP/1.1\r\n'), 400],
  ['a method that nobody knows', withStart('PSOT /v1/chat/completions HTTP/1.1\r\n'), 400],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03', 400],
  ['nothing that is HTTP', 'hello\r\n\r\n', 400],
]);

const targets = section('9112 3.2: request target', [
  ['absolute, another authority', withStart('POST http://elsewhere/v1/chat/completions HTTP/1.1\r\n'), 404],
  ['absolute, our authority', withStart('POST http://router/v1/chat/completions HTTP/1.1\r\n'), 404],
  ['absolute, with a user', withStart('POST http://router@elsewhere/v1/chat/completions HTTP/1.1\r\n'), 404],
  ['absolute, another scheme', withStart('POST ftp://router/v1/chat/completions HTTP/1.1\r\n'), 400],
  ['an authority', withStart('POST router:80 HTTP/1.1\r\n'), 400],
  ['no slash', withStart('POST v1/chat/completions HTTP/1.1\r\n'), 400],
  ['an asterisk', withStart('POST * HTTP/1.1\r\n'), 400],
  ['OPTIONS of an asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['a question mark alone', withStart('POST ? HTTP/1.1\r\n'), 400],
  ['beyond ASCII', withStart('POST /v1/chat/completions?\xe9 HTTP/1.1\r\n'), 400],
  ['UTF-8', withStart('POST /v1/ch\xc3\xa1t/completions HTTP/1.1\r\n'), 400],
  ['a control byte', withStart('POST /v1/chat/completions?\x01 HTTP/1.1\r\n'), 400],
  ['a DEL', withStart('POST /v1/chat/completions?\x7f HTTP/1.1\r\n'), 400],
  ['a NUL', withStart('POST /v1/chat/completions\0 HTTP/1.1\r\n'), 400],
  ['a fragment', withStart('POST /v1/chat/completions?a#b HTTP/1.1\r\n'), 400],
  ['64 KiB', withStart(`POST /v1/chat/completions?${'a'.repeat(65_536)} HTTP/1.1\r\n`), 431],
]);

const hosts = section('9112 3.2, 9110 7.2: Host', [
  ['none', `${POST}${SIZED}\r\n${JSON_BODY}`, 400],
  ['none, and a second request', `${POST}${SIZED}\r\n${JSON_BODY}${SMUGGLED}`, 400],
  ['two', withLine('Host: elsewhere\r\n'), 400],
  ['two alike', withLine(HOST), 400],
  ['two in HTTP/1.0', `POST /v1/chat/completions HTTP/1.0\r\n${HOST}${HOST}${SIZED}\r\n${JSON_BODY}`, 400],
  ...[['empty', ''], ['a list', 'a, b'], ['a blank', 'a b'], ['a path', 'router/v1'], ['a user', 'user@router'], ['a scheme', 'http://router'], ['a port that is no number', 'router:x'], ['a port and no number', 'router:'], ['an open bracket', '[::1'], ['beyond ASCII', 'r\xf6uter'], ['a backslash', 'router\\x'], ['a fragment', 'router#x']].map(
    ([name = '', value = '']): Row => [name, `${POST}Host: ${value}\r\n${SIZED}\r\n${JSON_BODY}${SMUGGLED}`, 400],
  ),
  ['an IPv6 address', `${POST}Host: [::1]:8081\r\n${SIZED}\r\n${JSON_BODY}`, PASSED],
]);

const methods = section('9110 7.8, 9.3, 10.1.1: Upgrade, methods, Expect', [
  ['an upgrade to a WebSocket with a body', post(`Connection: Upgrade\r\nUpgrade: websocket\r\n${SIZED}`, JSON_BODY), 400],
  ['an upgrade to h2c with a body', post(`Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n${SIZED}`, JSON_BODY), 400],
  ['an upgrade with chunks', post(`Connection: Upgrade\r\nUpgrade: websocket\r\n${CHUNKED}`, CHUNKS), 400],
  ['an upgrade of a path without a body, and a second request', `GET /v1/realtime HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 501],
  // What is behind such a head is another protocol's where it is granted, so nobody may be sure what it is.
  ['an upgrade of what the router answers itself', `GET /v1/models HTTP/1.1\r\n${HOST}Connection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n\r\n`, 200],
  ['an expectation that nobody knows', post(`Expect: a-miracle\r\n${SIZED}`, JSON_BODY), 417],
  ['two expectations', post(`Expect: 100-continue, a-miracle\r\n${SIZED}`, JSON_BODY), 417],
  ['an expectation, and what is wrong besides', post(`Expect: 100-continue\r\n${SIZED}${HOST}`, JSON_BODY), 400],
  ['CONNECT', `CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n${SMUGGLED}`, 405],
  ['CONNECT to a path', `CONNECT /v1/chat/completions HTTP/1.1\r\n${HOST}\r\n`, 405],
  ['TRACE', `TRACE /v1/chat/completions HTTP/1.1\r\n${HOST}\r\n`, 405],
  ['TRACE with a body', `TRACE /v1/chat/completions HTTP/1.1\r\n${HOST}${SIZED}\r\n${JSON_BODY}`, 400],
  ['GET with a body', `GET /v1/responses/resp_1 HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`, 400],
  ['HEAD with chunks', `HEAD /v1/models HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${CHUNKS}`, 400],
  ['another method in a header', `GET /v1/chat/completions HTTP/1.1\r\n${HOST}X-HTTP-Method-Override: POST\r\n\r\n`, 405],
]);

export const PAYLOADS: readonly Payload[] = [...lengthAndCoding, ...codings, ...lengths, ...chunks, ...trailers, ...lines, ...starts, ...targets, ...hosts, ...methods];
