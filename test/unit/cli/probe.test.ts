import { test } from 'tap';
import { type Asking, probeEndpoint, type ProbeTarget } from '../../../src/cli/probe.ts';
import type { GetResult } from '../../../src/pool/http-get.ts';

const TARGET: ProbeTarget = { origin: 'http://127.0.0.1:9', kvCacheTokens: 'auto', pool: { probe: { path: '/health' }, scrape: { path: '/metrics' } }, wanted: [] };

/** Answers with these bodies; other paths fail. Without a model no completion is tried. */
function answering(bodies: Readonly<Record<string, string>>): Asking {
  const get = async ({ path }: { readonly path: string }): Promise<GetResult> => (bodies[path] === undefined ? { kind: 'failed', why: 'no answer within 5000 ms' } : { kind: 'answer', status: 200, body: bodies[path] });
  return { get, post: () => Promise.reject(new Error('no completion is wanted')) };
}

async function told(bodies: Readonly<Record<string, string>>, changes: Partial<ProbeTarget> = {}): Promise<string[]> {
  return (await probeEndpoint(answering({ '/health': '', '/v1/models': '{"data":[]}', ...bodies }), { ...TARGET, ...changes })).map(({ kind, text }) => `${kind} ${text}`);
}

const CONFIG = 'vllm:cache_config_info{block_size="16",num_gpu_blocks="101",enable_prefix_caching="True"} 1\n';

test('several engines behind one address are warned of, one is not', async (t) => {
  const running = (engine: number): string => `vllm:num_requests_running{engine="${engine}",model_name="m"} 0\n`;
  t.match((await told({ '/metrics': CONFIG + running(0) + running(1) })).join('\n'), /warn 2 engines stand behind this address \(data parallel\)/);
  t.notMatch((await told({ '/metrics': CONFIG + running(0) })).join('\n'), /engines/);
});

test('the cache has the size that the engine says, unless the configuration says another', async (t) => {
  const sizes = async (kvCacheTokens: number | 'auto', metrics: string): Promise<string[]> => (await told({ '/metrics': metrics }, { kvCacheTokens })).filter((text) => text.includes('KV cache'));
  t.same(await sizes('auto', CONFIG), ['ok KV cache: 1,600 tokens']);
  t.same(await sizes(1600, CONFIG), ['ok KV cache: 1,600 tokens as configured']);
  t.match(await sizes(9999, CONFIG), [/^warn KV cache: 9,999 tokens as configured, but the engine says 1,600/]);
  t.match(await sizes('auto', 'up 1\n'), [/^warn the size of the KV cache is not said/]);
});

test('metrics that are hidden, an engine that sleeps, and one that is no vLLM are told', async (t) => {
  t.match((await told({})).join('\n'), /fail \/metrics is not there \(no answer within 5000 ms\)/);
  t.match((await told({ '/metrics': `${CONFIG}vllm:engine_sleep_state{sleep_state="awake"} 0\n` })).join('\n'), /warn the engine is asleep/);
  t.match((await told({ '/v1/models': 'hello' })).join('\n'), /fail \/v1\/models names no model \(it says 200\)\. Is this a vLLM server\?/);
  t.same(await probeEndpoint(answering({}), TARGET), [{ kind: 'fail', text: 'not reachable: no answer within 5000 ms. Do name and port lead there from this machine?' }]);
});

test('https where no TLS is spoken is told', async (t) => {
  const asking: Asking = { get: async () => ({ kind: 'failed', why: 'ERR_SSL_WRONG_VERSION_NUMBER' }), post: () => Promise.reject(new Error('no completion is wanted')) };
  t.match(await probeEndpoint(asking, TARGET), [{ kind: 'fail', text: /It does not speak TLS: is it http:/ }]);
});
