// bodies.ts: requests that are made to be dear to read, and harmless ones of the same sizes.

const MIB = 1_048_576;
const MODEL = 'm';

export interface HostileBody {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Most are beyond a limit; the last ones stay just below each. */
export function hostileBodies(): readonly HostileBody[] {
  const bodies: readonly (readonly [string, string])[] = [
    ['8 MiB of empty lists', chat(filled('[]', 8 * MIB))],
    ['8 MiB of empty objects', chat(filled('{}', 8 * MIB))],
    ['8 MiB of ones', chat(filled('1', 8 * MIB))],
    ['7 MiB of distinct keys', `{"model":"${MODEL}","messages":[],"metadata":{${distinct(7 * MIB)}}}`],
    ['depth 1,000,000', chat('['.repeat(1_000_000) + ']'.repeat(1_000_000))],
    ['a number of 1,000,000 digits', chat(`[${'1'.repeat(1_000_000)}]`)],
    ['a million models', `{${`"model":"${MODEL}",`.repeat(500_000)}"messages":[]}`],
    ['8 MiB that end too early', chat(`[{"role":"user","content":"${'\\"'.repeat(4 * MIB)}`)],
    ['99,000 empty lists', chat(filled('[]', 3 * 99_000))],
    ['33,000 messages of one letter', chat(filled('{"role":"user","content":"x"}', 30 * 33_000))],
    ['a tool of 9,900 keys', `{"model":"${MODEL}","messages":[],"tools":[{${distinct(9_900 * 11)}}]}`],
    ['99,000 members with escapes', `{"model":"${MODEL}","messages":[],${'"\\u006d\\u006f\\u0064\\u0065\\u006d":1,'.repeat(99_000)}"x":1}`],
    ['8 MiB of escapes', chat(`[{"role":"user","content":"${'\\"'.repeat(4 * MIB)}"}]`)],
  ];
  return bodies.map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
}

/** One message of plain text. */
export function harmlessBody(size: number): Buffer {
  const empty = chat('[{"role":"user","content":""}]').length;
  return Buffer.from(chat(`[{"role":"user","content":"${'All happy families are alike. '.repeat(size / 30 + 1).slice(0, size - empty)}"}]`));
}

function chat(messages: string): string {
  return `{"model":"${MODEL}","messages":${messages}}`;
}

function filled(item: string, size: number): string {
  return `[${`${item},`.repeat(size / (item.length + 1))}0]`;
}

/** Keys of seven characters that look random. */
function distinct(size: number): string {
  return Array.from({ length: size / 11 }, (_, i) => `"${((Math.imul(i, 0x9e3779b1) >>> 0) + 2 ** 32).toString(36)}":1`).join(',').slice(0, size).replace(/,[^,]*$/, '');
}
