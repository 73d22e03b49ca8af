// probe.ts: what one endpoint is like, tried from outside, with advice where it is not as it should be.

import type { GetResult, HttpGet } from '../pool/http-get.ts';
import { readLoadSample } from '../pool/load-sample.ts';
import { scanMetrics } from '../pool/metrics-text.ts';
import { readModelsList } from '../pool/models-list.ts';
import { messageOf } from './terminal.ts';

export interface Finding {
  readonly kind: 'ok' | 'warn' | 'fail';
  readonly text: string;
}

export interface ProbeTarget {
  /** `http://host:port` */
  readonly origin: string;
  /** As configured. */
  readonly kvCacheTokens: number | 'auto';
  readonly pool: { readonly apiKey?: string | undefined; readonly probe: { readonly path: string }; readonly scrape: { readonly path: string } };
  /** Models that it is to serve; empty: whatever it does. */
  readonly wanted: readonly string[];
}

const GET_TIMEOUT_MS = 5000;
const ENGINES_BY = 'vllm:num_requests_running';

/** How an endpoint is asked, under what its pool says of certificates. */
export interface Asking {
  readonly get: HttpGet;
  /** May reject. */
  readonly post: (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<{ readonly status: number; readonly text: string }>;
}

/** Never rejects. What depends on something that fails is not tried. */
export async function probeEndpoint({ get, post }: Asking, target: ProbeTarget): Promise<readonly Finding[]> {
  const { origin, pool, wanted } = target;
  const ask = (path: string): Promise<GetResult> => get({ origin, path, apiKey: pool.apiKey, connection: 'new', timeoutMs: GET_TIMEOUT_MS });
  const health = judgeHealth(await ask(pool.probe.path), pool.probe.path);
  if (health.kind === 'fail') return [health];
  const models = await ask('/v1/models');
  const served = models.kind === 'answer' && models.status === 200 ? readModelsList(models.body)?.map(({ id }) => id) : undefined;
  const findings = [health, judgeModels(models, served, wanted), ...judgeMetrics(await ask(pool.scrape.path), target)];
  const model = wanted.find((name) => served?.includes(name)) ?? served?.[0];
  return model === undefined ? findings : [...findings, await tryCompletion(post, origin, model, pool.apiKey)];
}

function judgeHealth(result: GetResult, path: string): Finding {
  if (result.kind === 'refused') return fail('not reachable: nothing listens there. Is vLLM running, and is this its port?');
  if (result.kind === 'failed') return fail(`not reachable: ${result.why}. ${adviceOn(result.why)}`);
  if (result.status !== 200) return fail(`${path} says ${result.status}. The engine is not well, or probe.path is another one.`);
  return ok(`reachable: ${path} says 200`);
}

/** `why`: a code of the system's or of OpenSSL's, or a few words. */
function adviceOn(why: string): string {
  if (why === 'ERR_SSL_WRONG_VERSION_NUMBER' || why === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') return 'It does not speak TLS: is it http:// and not https://?';
  if (/CERT|VERIFY|ALTNAME/.test(why)) return 'Its certificate is not trusted: set tls.ca_file of the pool to who vouches for it, or tls.server_name to the name it is for';
  return 'Do name and port lead there from this machine?';
}

function judgeModels(result: GetResult, served: readonly string[] | undefined, wanted: readonly string[]): Finding {
  if (result.kind === 'answer' && (result.status === 401 || result.status === 403)) return fail(`/v1/models says ${result.status}: set api_key of the pool to what vLLM has as --api-key`);
  if (served === undefined || served.length === 0) return fail(`/v1/models names no model (${said(result)}). Is this a vLLM server?`);
  const missing = wanted.filter((name) => !served.includes(name));
  if (missing.length > 0) return fail(`does not serve ${missing.join(', ')}, which a target of this pool names; it serves ${served.join(', ')}`);
  return ok(`models: ${served.join(', ')}`);
}

function judgeMetrics(result: GetResult, { kvCacheTokens, pool }: ProbeTarget): readonly Finding[] {
  if (result.kind !== 'answer' || result.status !== 200) {
    return [fail(`${pool.scrape.path} is not there (${said(result)}): load, cache size and restarts stay unknown. Does something in front of vLLM hide it, or is scrape.path another one?`)];
  }
  const sample = readLoadSample(result.body, 0);
  const engines = new Set<string>();
  scanMetrics(result.body, new Set([ENGINES_BY]), (_, labels) => engines.add(labels.get('engine') ?? ''));
  const findings = [judgeCaching(sample.prefixCaching), judgeCapacity(kvCacheTokens, sample.capacityTokens)];
  if (sample.asleep === true) findings.push(warn('the engine is asleep: it gets no request until it is woken (POST /wake_up)'));
  if (engines.size > 1) {
    findings.push(warn(`${engines.size} engines stand behind this address (data parallel), each with a cache of its own. They are not told apart yet: one server for each rank is estimated better`));
  }
  return findings;
}

function judgeCaching(isOn: boolean | undefined): Finding {
  if (isOn === undefined) return warn('whether prefixes are reused is not said in the metrics');
  return isOn ? ok('prefix caching is on') : fail('prefix caching is off: no prompt is reused, wherever it goes. Start vLLM with --enable-prefix-caching');
}

function judgeCapacity(configured: number | 'auto', told: number | undefined): Finding {
  if (configured === 'auto') return told === undefined ? warn('the size of the KV cache is not said: it is learned, or set kv_cache_tokens') : ok(`KV cache: ${told.toLocaleString('en-US')} tokens`);
  const size = `KV cache: ${configured.toLocaleString('en-US')} tokens as configured`;
  return told === undefined || told === configured ? ok(size) : warn(`${size}, but the engine says ${told.toLocaleString('en-US')}: leave kv_cache_tokens out, unless you know better`);
}

async function tryCompletion(post: Asking['post'], origin: string, model: string, apiKey: string | undefined): Promise<Finding> {
  const headers = { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) };
  try {
    const { status, text } = await post(`${origin}/v1/completions`, headers, JSON.stringify({ model, prompt: 'Hello', max_tokens: 1 }));
    if (status !== 200) return fail(`a completion of one token is refused with ${status}`);
    const { usage } = JSON.parse(text) as { usage?: { prompt_tokens_details?: { cached_tokens?: unknown } | null } };
    if (typeof usage?.prompt_tokens_details?.cached_tokens === 'number') return ok('answers report cached tokens');
    return fail('answers do not report cached tokens, so the estimate corrects itself more slowly. Start vLLM with --enable-prompt-tokens-details');
  } catch (error) {
    return fail(`a completion of one token fails: ${messageOf(error)}`);
  }
}

function said(result: GetResult): string {
  return result.kind === 'answer' ? `it says ${result.status}` : result.kind === 'failed' ? result.why : 'nothing listens';
}

function ok(text: string): Finding {
  return { kind: 'ok', text };
}

function warn(text: string): Finding {
  return { kind: 'warn', text };
}

function fail(text: string): Finding {
  return { kind: 'fail', text };
}
