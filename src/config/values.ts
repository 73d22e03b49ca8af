// values.ts: the kinds of value a key can have. Each kind says in words what it wants; those words are the error message.
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';

/** Node's timers hold a signed 32-bit number; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** `what` continues "a whole number", for instance " of tokens". */
export function wholeNumber(what: string, min: number, max = Number.MAX_SAFE_INTEGER) {
  const wanted = { error: ({ code }: { readonly code?: string | undefined }) => `a whole number${what} ${code === 'too_big' ? `≤ ${max}` : `≥ ${min}`}` };
  return z.int(wanted).min(min, wanted).max(max, wanted);
}

export function milliseconds(min: 0 | 1 = 1) {
  return wholeNumber(' of milliseconds', min, TIMER_MS_MAX);
}

export function port(min: 0 | 1) {
  const wanted = `a port, a whole number from ${min} to 65535`;
  return z.int(wanted).min(min, wanted).max(65_535, wanted);
}

export function ratio() {
  const wanted = 'a number from 0 to 1';
  return z.number(wanted).min(0, wanted).max(1, wanted);
}

export function positive(what: string) {
  const wanted = `a number${what} > 0`;
  return z.number(wanted).positive(wanted);
}

export function flag() {
  return z.boolean('true or false');
}

export function oneOf<const T extends readonly string[]>(values: T) {
  return z.enum(values, `one of ${values.join(', ')}`);
}

/** Text of one form. `wanted` describes the form; a bare number or boolean in YAML needs quotes to be text. */
export function text(form: RegExp, wanted: string) {
  return z.string(`${wanted} (text: in quotes where it looks like something else)`).regex(form, wanted);
}

/** The name of a listener or pool: it becomes a metric label, a log field and part of a message. */
export function name() {
  return text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of letters, digits, ".", "_" and "-", at most 63');
}

export function modelName() {
  return text(/^\S(.{0,254}\S)?$/, "a model's name, at most 256 characters");
}

export function host() {
  return text(/^[A-Za-z0-9_.:-]{1,253}$/, 'a host name or an IP address');
}

export function path() {
  return text(/^\/[!"$-~]*$/, 'a path that begins with "/"');
}

/** The address of an endpoint: an origin, with or without a slash after it. */
export function endpointUrl() {
  const wanted = 'http://host:port or https://host:port, without user, path, query or fragment';
  return z
    .string(wanted)
    .regex(/^https?:\/\/[^/?#@\s\\]+\/?$/i, { error: wanted, abort: true })
    .refine((url) => URL.canParse(url), wanted);
}

/** An IP address, or a network as address/bits. */
export function network() {
  const wanted = 'an IP address, or a network such as 10.0.0.0/8';
  return text(/^[0-9A-Fa-f.:]+(\/[0-9]{1,3})?$/, wanted).refine(isNetwork, wanted);
}

function isNetwork(value: string): boolean {
  const [address = '', bits = '0'] = value.split('/');
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128);
}

/** As browsers write it. */
export function origin() {
  return text(/^https?:\/\/[a-z0-9.-]+(:[0-9]{1,5})?$/, 'an origin such as https://chat.example.com, in lower case, without a slash at its end');
}

/** A secret for a header. Empty is none. */
export function secret() {
  const wanted = 'printable ASCII without spaces (in quotes where it looks like a number)';
  return z.string(wanted).regex(/^[!-~]*$/, wanted);
}

/** One that somebody has to show. */
export function requiredSecret() {
  const wanted = 'at least one character, printable ASCII without spaces (in quotes where it looks like a number)';
  return z.string(wanted).regex(/^[!-~]+$/, wanted);
}

/** Of a file that is read when the configuration is. */
export function filePath() {
  return text(/^[^\0]+$/, 'the path of a file');
}

export function listOf<T extends z.ZodType>(item: T, wanted: string) {
  return z.array(item, wanted);
}

/** A mapping that knows its keys. */
export function section<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, 'a mapping of keys to values');
}
