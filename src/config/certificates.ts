// certificates.ts: the PEM files that the configuration names, read and checked with it: a file that nobody can use is a mistake like any other.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { itemsOf, isFields, type Contradiction, type Fields, type Item } from './contradiction.ts';

type ReadFile = (path: string) => string;

export interface Certificates {
  readonly problems: readonly Contradiction[];
  /** Texts of the files by path. */
  readonly texts: ReadonlyMap<string, string>;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Takes anything, like the search for contradictions: parts of the wrong form are passed over. `readFile` throws where it cannot. */
export function readCertificates(file: unknown, readFile: ReadFile): Certificates {
  const texts = new Map<string, string>();
  const sections = (isFields(file) ? [...itemsOf(file, 'listeners', []), ...itemsOf(file, 'pools', [])] : []).flatMap(({ fields: { tls }, path }): Item[] => (isFields(tls) ? [{ fields: tls, path: [...path, 'tls'] }] : []));
  const problems = sections.flatMap((section) => problemsOf(section, texts, readFile));
  return { problems, texts };
}

function problemsOf({ fields, path }: Item, texts: Map<string, string>, readFile: ReadFile): Contradiction[] {
  const problems: Contradiction[] = [];
  const tell = (key: string, seen: string, wanted: string): void => void problems.push({ path: [...path, key], seen, wanted });
  const good = (key: string, isGood: (text: string) => boolean, wanted: string): string | undefined => {
    const name = fields[key];
    if (typeof name !== 'string') return undefined;
    try {
      const text = texts.get(name) ?? readFile(name);
      texts.set(name, text);
      if (isGood(text)) return text;
      tell(key, `${JSON.stringify(name)}, a file with something else`, wanted);
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      tell(key, `${JSON.stringify(name)}, which is unreadable${why}`, 'a readable file');
    }
    return undefined;
  };
  for (const key of ['ca_file', 'client_ca_file']) good(key, areCertificates, 'a PEM file with certificates');
  const cert = good('cert_file', areCertificates, 'a PEM file with a certificate');
  const key = good('key_file', isKey, 'a PEM file with a private key that is not encrypted');
  if (cert !== undefined && key !== undefined && !fit(cert, key)) tell('key_file', `${JSON.stringify(fields['key_file'])}, the key of another certificate`, 'the private key of cert_file');
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

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
