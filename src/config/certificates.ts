// certificates.ts: the PEM files that the configuration names, read and checked with it: a file that nobody can use is a mistake like any other.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { itemsOf, isFields, type Contradiction, type Fields, type Item } from './contradiction.ts';

type ReadFile = (path: string) => string;

export interface Certificates {
  readonly problems: readonly Contradiction[];
  /** Texts of the files by path. */
  readonly texts: ReadonlyMap<string, string>;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const WHOLE = /-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----/gs;

/** Takes anything, like the search for contradictions: parts of the wrong form are passed over. `readFile` throws where it cannot. */
export function readCertificates(file: unknown, readFile: ReadFile): Certificates {
  const texts = new Map<string, string>();
  const sections = (isFields(file) ? [...itemsOf(file, 'listeners', []), ...itemsOf(file, 'pools', [])] : []).flatMap(({ fields: { tls }, path }): Item[] => (isFields(tls) ? [{ fields: tls, path: [...path, 'tls'] }] : []));
  const problems = sections.flatMap((section) => problemsOf(section, texts, readFile));
  return { problems, texts };
}

const CERT_WANTED = 'a PEM file with a certificate';

function problemsOf({ fields, path }: Item, texts: Map<string, string>, readFile: ReadFile): Contradiction[] {
  const problems: Contradiction[] = [];
  const tell = (key: string, seen: string, wanted: string): void => void problems.push({ path: [...path, key], seen, wanted });
  const good = (key: string, isGood: (text: string) => boolean, wanted: string): string | undefined => {
    const name = fields[key];
    if (typeof name !== 'string') return undefined;
    try {
      const text = texts.get(name) ?? readFile(name);
      texts.set(name, text);
      // A file that is being written has another text the next moment.
      if (text.replace(WHOLE, '').includes('-----BEGIN ')) tell(key, `${JSON.stringify(name)}, a file that ends in the middle`, wanted);
      else if (isGood(text)) return text;
      else tell(key, `${JSON.stringify(name)}, a file with something else`, wanted);
    } catch (error) {
      tell(key, `${JSON.stringify(name)}, which is unreadable${codeOf(error)}`, 'a readable file');
    }
    return undefined;
  };
  for (const key of ['ca_file', 'client_ca_file']) good(key, areCertificates, 'a PEM file with certificates');
  const cert = good('cert_file', areCertificates, CERT_WANTED);
  const key = good('key_file', isKey, 'a PEM file with a private key that is not encrypted');
  if (cert !== undefined && key !== undefined) {
    const refused = refusal(cert, key);
    if (!fit(cert, key)) tell('key_file', `${JSON.stringify(fields['key_file'])}, the key of another certificate`, 'the private key of cert_file');
    else if (refused !== undefined) tell('cert_file', `${JSON.stringify(fields['cert_file'])}, which OpenSSL refuses${refused}`, CERT_WANTED);
  }
  return [...problems, ...alone(fields, path)];
}

/** The schema wants both of a listener; a pool may have neither. */
function alone(fields: Fields, path: Item['path']): Contradiction[] {
  const missing = fields['cert_file'] === undefined ? 'cert_file' : 'key_file';
  const other = missing === 'cert_file' ? 'key_file' : 'cert_file';
  if (fields[missing] !== undefined || fields[other] === undefined) return [];
  return [{ path: [...path, missing], seen: 'missing', wanted: `the path of a file, because there is a ${other}` }];
}

function areCertificates(text: string): boolean {
  const found = text.match(CERTIFICATE) ?? [];
  return found.length > 0 && found.every((each) => succeeds(() => new X509Certificate(each)));
}

function isKey(text: string): boolean {
  return succeeds(() => createPrivateKey(text));
}

function fit(cert: string, key: string): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

/** Why no connection could be made with them. */
function refusal(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
}

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
