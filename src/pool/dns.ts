// dns.ts: what the name servers know of a name, in one look-up.

import { lookup, Resolver } from 'node:dns/promises';
import type { SourceAddress } from './address.ts';
import type { DnsSettings } from './settings.ts';

export type DnsResult =
  | {
      readonly kind: 'found';
      readonly addresses: readonly SourceAddress[];
      /** The shortest of all records; undefined when none came with one. */
      readonly ttlMs: number | undefined;
      /** Why part of it is missing or from an earlier look-up; empty when nothing is. */
      readonly problem: string;
    }
  /** No answer, or an empty one, and the operating system knows no more. */
  | { readonly kind: 'failed'; readonly why: string };

/** One name, to be looked up again and again. */
export interface DnsLookup {
  /** Never rejects. */
  run(): Promise<DnsResult>;
  /** Ends what is under way: a silent name server would hold up the end of the process for seconds. */
  cancel(): void;
}

/** What is asked: the name servers first, then the operating system, which also reads its hosts file and search domains. */
export interface DnsClient {
  readonly servers: Pick<Resolver, 'resolve4' | 'resolve6' | 'resolveSrv' | 'cancel'>;
  readonly askSystem: (name: string) => Promise<readonly { address: string; family: number }[]>;
}

const TIMEOUT_MS = 2000;
const TRIES = 2;

export function systemDnsClient(): DnsClient {
  return { servers: new Resolver({ timeout: TIMEOUT_MS, tries: TRIES }), askSystem: (name) => lookup(name, { all: true }) };
}

const NO_ADDRESS: DnsResult = { kind: 'failed', why: 'no address' };

type Family = 4 | 6;

type Answer<T> =
  | { readonly kind: 'records'; readonly records: readonly T[]; readonly problem: string }
  /** The name, or the name with this type, does not exist. */
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string };

interface Host {
  readonly address: string;
  /** Undefined when the operating system said so. */
  readonly ttl: number | undefined;
}

const FAMILIES: Readonly<Record<DnsSettings['type'], readonly Family[]>> = { 'a+aaaa': [4, 6], a: [4], aaaa: [6], srv: [4, 6] };

/**
 * The look-up of one name.
 *
 * It remembers each part of the last answer (A or AAAA records of one name), so that a part that fails does not take away what is known.
 * A server with both kinds of address is found twice with `a+aaaa`: nothing tells that both are the same.
 */
export function createDnsLookup(settings: DnsSettings, client: DnsClient): DnsLookup {
  const families = FAMILIES[settings.type];
  const lastGood = new Map<string, readonly Host[]>();

  async function recordsOf(name: string, family: Family): Promise<Answer<Host>> {
    const key = `${family} ${name}`;
    const { servers } = client;
    const answer = await answerOf<Host>(family === 4 ? servers.resolve4(name, { ttl: true }) : servers.resolve6(name, { ttl: true }));
    if (answer.kind === 'records') lastGood.set(key, answer.records);
    if (answer.kind === 'none') lastGood.delete(key);
    const held = lastGood.get(key);
    return answer.kind === 'failed' && held !== undefined ? { kind: 'records', records: held, problem: answer.why } : answer;
  }

  async function hostsOf(name: string): Promise<Answer<Host>> {
    const answers = await Promise.all(families.map((family) => recordsOf(name, family)));
    const records = answers.flatMap((answer) => (answer.kind === 'records' ? answer.records : []));
    if (records.length > 0) return { kind: 'records', records, problem: answers.map(problemOf).find((problem) => problem !== '') ?? '' };
    return answers.find((answer) => answer.kind === 'failed') ?? (await systemHostsOf(name));
  }

  async function systemHostsOf(name: string): Promise<Answer<Host>> {
    const answer = await answerOf(client.askSystem(name));
    if (answer.kind !== 'records') return answer;
    const wanted = answer.records.filter(({ family }) => families.some((each) => each === family));
    return { ...answer, records: wanted.map(({ address }) => ({ address, ttl: undefined })) };
  }

  return {
    run: () => (settings.type === 'srv' ? lookUpServices(settings, client, hostsOf) : lookUpHosts(settings, hostsOf)),
    cancel: () => client.servers.cancel(),
  };
}

async function lookUpHosts({ name, scheme, port }: DnsSettings, hostsOf: (name: string) => Promise<Answer<Host>>): Promise<DnsResult> {
  const hosts = await hostsOf(name);
  return resultOf(hosts, (host) => ({ scheme, host, port: port ?? (scheme === 'https' ? 443 : 80) }));
}

/** Of the services found, those of the first priority count; their weights do not. */
async function lookUpServices({ name, scheme }: DnsSettings, client: DnsClient, hostsOf: (name: string) => Promise<Answer<Host>>): Promise<DnsResult> {
  const services = await answerOf(client.servers.resolveSrv(name));
  if (services.kind === 'failed') return services;
  if (services.kind === 'none') return NO_ADDRESS;
  const first = Math.min(...services.records.map(({ priority }) => priority));
  const results = await Promise.all(
    services.records
      .filter(({ priority }) => priority === first)
      .map(async (service) => resultOf(await hostsOf(service.name), (host) => ({ scheme, host, port: service.port }))),
  );
  const found = results.filter((result) => result.kind === 'found');
  if (found.length === 0) return results[0] ?? NO_ADDRESS;
  const problem = results.map((result) => (result.kind === 'found' ? result.problem : result.why)).find((why) => why !== '') ?? '';
  return { kind: 'found', addresses: found.flatMap(({ addresses }) => addresses), ttlMs: shortest(found.map(({ ttlMs }) => ttlMs)), problem };
}

function resultOf(answer: Answer<Host>, toAddress: (host: string) => SourceAddress): DnsResult {
  if (answer.kind === 'failed') return answer;
  if (answer.kind === 'none' || answer.records.length === 0) return NO_ADDRESS;
  const { records, problem } = answer;
  const ttlMs = shortest(records.map(({ ttl }) => (ttl === undefined ? undefined : ttl * 1000)));
  return { kind: 'found', addresses: records.map(({ address }) => toAddress(address)), ttlMs, problem };
}

function shortest(timesMs: readonly (number | undefined)[]): number | undefined {
  const known = timesMs.filter((timeMs) => timeMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function problemOf(answer: Answer<unknown>): string {
  if (answer.kind === 'failed') return answer.why;
  return answer.kind === 'records' ? answer.problem : '';
}

async function answerOf<T>(records: Promise<readonly T[]>): Promise<Answer<T>> {
  try {
    return { kind: 'records', records: await records, problem: '' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOTFOUND' || code === 'ENODATA' ? { kind: 'none' } : { kind: 'failed', why: code ?? String(error) };
  }
}
