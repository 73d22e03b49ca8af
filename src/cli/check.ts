// check.ts: the command that says whether a configuration is good, and whether its endpoints are.

import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { checkReport } from '../config/check-command.ts';
import type { Config } from '../config/config.ts';
import { readConfig } from '../config/load.ts';
import { createConnector } from '../connector.ts';
import { createDnsLookup, systemDnsClient } from '../pool/dns.ts';
import { addressId } from '../pool/address.ts';
import { CONNECT_TIMEOUT_MS, createHttpGet } from '../pool/http-get.ts';
import { type Asking, probeEndpoint, type Finding } from './probe.ts';
import { complain, EXIT_FAILED, messageOf, misuse, say, styled } from './terminal.ts';

export const CHECK_USAGE = `warmroute check FILE [--probe]

Says whether FILE would be taken, and everything that is wrong with it, by line and column.

  --probe   tries each endpoint too: is it reachable, which models it serves, whether it reuses prefixes, how much its cache holds, whether its
            answers report cached tokens (one completion of one token), whether several engines stand behind one address

Exit codes: 0 good, 1 an endpoint fails, 2 wrong configuration or wrong use.
`;

export async function check(args: readonly string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: { probe: { type: 'boolean', default: false } }, allowPositionals: true });
  } catch (error) {
    return misuse(messageOf(error), CHECK_USAGE);
  }
  const [file, ...more] = parsed.positionals;
  if (file === undefined || more.length > 0) return misuse('check takes one file.', CHECK_USAGE);
  const loaded = readConfig(file);
  const { text, exitCode } = checkReport(loaded);
  (exitCode === 0 ? say : complain)(text);
  return loaded.kind === 'ok' && parsed.values.probe ? probeAll(loaded.config) : exitCode;
}

type Pool = Config['pools'][number];

/** A completion of one token waits its turn behind what the engine has to do. */
const COMPLETION_TIMEOUT_MS = 30_000;

async function probeAll(config: Config): Promise<number> {
  let failed = 0;
  for (const pool of config.pools) {
    const { asking, close } = askingFor(pool);
    const { origins, findings } = await originsOf(pool);
    failed += report(`pool ${pool.name}`, findings);
    const results = await Promise.all(origins.map(({ origin, kvCacheTokens }) => probeEndpoint(asking, { origin, kvCacheTokens: kvCacheTokens ?? config.prefix.kvCacheTokens, pool, wanted: wantedOf(config, pool) })));
    origins.forEach(({ origin }, i) => (failed += report(origin, results[i]!)));
    await close();
  }
  say(`\n${failed === 0 ? 'all endpoints are good' : `${failed} ${failed === 1 ? 'thing' : 'things'} to mend`}`);
  return failed === 0 ? 0 : EXIT_FAILED;
}

function askingFor({ tls }: Pool): { readonly asking: Asking; readonly close: () => Promise<unknown> } {
  const connect = createConnector({ connectMs: CONNECT_TIMEOUT_MS, tlsOf: () => tls });
  const http = createHttpGet(connect);
  const dispatcher = new Agent({ connect });
  const post: Asking['post'] = async (url, headers, body) => {
    const answer = await request(url, { dispatcher, method: 'POST', headers, body, signal: AbortSignal.timeout(COMPLETION_TIMEOUT_MS) });
    return { status: answer.statusCode, text: await answer.body.text() };
  };
  return { asking: { get: http.get, post }, close: () => Promise.all([http.close(), dispatcher.destroy()]) };
}

/** The models that the pool is to serve; empty: whatever it does. */
function wantedOf({ models }: Config, { name }: Pool): readonly string[] {
  return models.flatMap(({ targets }) => targets.filter(({ pool }) => pool === name).map(({ model }) => model));
}

interface Origin {
  readonly origin: string;
  readonly kvCacheTokens: number | 'auto' | undefined;
}

async function originsOf({ endpoints, dns }: Pool): Promise<{ origins: readonly Origin[]; findings: readonly Finding[] }> {
  const named = endpoints.map((endpoint) => ({ origin: endpoint.url, kvCacheTokens: 'kvCacheTokens' in endpoint ? endpoint.kvCacheTokens : undefined }));
  if (dns === undefined) return { origins: named, findings: [] };
  const found = await createDnsLookup(dns, systemDnsClient()).run();
  if (found.kind === 'failed') return { origins: named, findings: [{ kind: 'fail', text: `DNS knows nobody by the name ${dns.name}: ${found.why}` }] };
  const origins = found.addresses.map((address) => ({ origin: `${address.scheme}://${addressId(address)}`, kvCacheTokens: undefined }));
  return { origins: [...named, ...origins], findings: [{ kind: 'ok', text: `DNS names ${origins.length} for ${dns.name}` }] };
}

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

/** Gives how many failed. */
function report(what: string, findings: readonly Finding[]): number {
  if (findings.length > 0) say(`\n${styled('bold', what)}`);
  for (const { kind, text } of findings) say(`  ${styled(STYLES[kind], kind.padEnd(4))}  ${text}`);
  return findings.filter(({ kind }) => kind === 'fail').length;
}
