// schema.ts: every key of the file with its form, default and meaning. The reference, the JSON schema and the key table are made from here.
import { z } from 'zod';
import { endpointUrl, filePath, flag, host, listOf, milliseconds, modelName, name, network, oneOf, origin, path, port, positive, ratio, requiredSecret, secret, section, text, wholeNumber } from './values.ts';

const kvCacheTokens = () => z.union([z.literal('auto'), wholeNumber(' of tokens', 1)], 'auto, or a whole number of tokens ≥ 1');

const listenerTls = section({
  cert_file: filePath().meta({ description: 'PEM file with the certificate, and those between it and its root.', examples: ['/run/secrets/tls.crt'] }),
  key_file: filePath().meta({ description: 'PEM file with its private key.', examples: ['/run/secrets/tls.key'] }),
  client_ca_file: filePath().optional().meta({ description: 'PEM file with the certificates of who vouches for clients; a client without a certificate of theirs gets no connection. Unset, none is asked for.', examples: ['/etc/warmroute/clients-ca.crt'] }),
});

const listener = section({
  name: name().meta({ description: 'Name in logs and metrics.', examples: ['prefix'] }),
  host: host().default('0.0.0.0').meta({ description: 'Address to listen on.' }),
  port: port(0).meta({ description: 'Port to listen on; 0 takes a free one.', examples: [8081] }),
  policy: oneOf(['prefix-cost', 'prefix-threshold', 'least-request', 'round-robin', 'random'])
    .default('prefix-cost')
    .meta({ description: 'How an endpoint is chosen: prefix-cost, prefix-threshold, least-request, round-robin or random.' }),
  record: flag().default(true).meta({ description: 'Whether requests of this listener are recorded in the prefix index.' }),
  debug_headers: flag().default(false).meta({ description: 'Whether answers say in x-warmroute-… headers and Server-Timing where they came from and why.' }),
  trusted_proxies: listOf(network(), 'a list of networks')
    .default([])
    .meta({ description: 'Networks of proxies whose x-forwarded-* and forwarded headers are passed on, each an address or address/bits, such as 10.0.0.0/8.' }),
  cors_origins: listOf(origin(), 'a list of origins')
    .default([])
    .meta({ description: 'Origins whose pages may use this listener from a browser. Empty: no CORS headers.' }),
  tls: listenerTls.optional().meta({ description: 'TLS 1.2 or newer; unset, connections are not encrypted. The files are read again when they change.' }),
});

const client = section({
  name: name().meta({ description: 'Name in log lines and of its share of limits.', examples: ['team-a'] }),
  key: requiredSecret().optional().meta({ description: 'Key that it shows as a bearer token or as x-api-key.', examples: ['${file:/run/secrets/team-a}'], writeOnly: true }),
  key_sha256: text(/^[0-9a-fA-F]{64}$/, 'a SHA-256 of 64 hexadecimal digits').optional().meta({ description: "SHA-256 of the key in hexadecimal digits, in the key's place.", writeOnly: true }),
  tenant: name().optional().meta({ description: 'Tenant that it belongs to; unset, one of its own name.', examples: ['a'] }),
  in_flight_max: wholeNumber(' of requests', 1).optional().meta({ description: 'Requests in flight of this client; more are refused with 429. Unset, as many as the router takes.', examples: [100] }),
});

const admin = section({
  host: host().default('127.0.0.1').meta({ description: 'Address of the admin listener.' }),
  port: port(0).default(9901).meta({ description: 'Port of the admin listener; 0 takes a free one.' }),
  token: requiredSecret().optional().meta({ description: 'Token that operators show as a bearer token for everything but /live, /ready, /metrics and the files of the page, which asks for it. Unset, the rest is there only on a loopback address.', examples: ['${file:/run/secrets/admin-token}'], writeOnly: true }),
});

const endpoint = z.union(
  [
    endpointUrl(),
    section({
      url: endpointUrl().meta({ description: 'Address of the vLLM server, http or https; certificates are checked.', examples: ['http://10.0.0.12:8000'] }),
      kv_cache_tokens: kvCacheTokens().optional().meta({ description: 'Size of its KV cache in tokens; unset, prefix.kv_cache_tokens holds.', examples: [400_000] }),
    }),
  ],
  'an address such as http://10.0.0.11:8000, or a mapping with url',
);

const dns = section({
  name: text(/^[A-Za-z0-9_.-]{1,253}$/, 'a DNS name').meta({ description: 'Name to look up.', examples: ['vllm.default.svc.cluster.local'] }),
  type: oneOf(['a+aaaa', 'a', 'aaaa', 'srv']).default('a+aaaa').meta({ description: 'Records to ask for: a+aaaa, a, aaaa or srv.' }),
  port: port(1).optional().meta({ description: 'Port of every endpoint found; not with type srv, whose records carry the port.', examples: [8000] }),
  scheme: oneOf(['http', 'https']).default('http').meta({ description: 'How endpoints found are spoken to: http or https.' }),
  refresh_interval_ms: milliseconds().default(5000).meta({ description: 'Longest time between two look-ups, in milliseconds; a shorter TTL shortens it.' }),
});

const probe = section({
  path: path().default('/health').meta({ description: 'Path of the health request.' }),
  interval_ms: milliseconds().default(2000).meta({ description: 'Time between two probes of an endpoint, in milliseconds; at most 500 while it is down.' }),
  timeout_ms: milliseconds().default(1000).meta({ description: 'Time a probe may take, in milliseconds.' }),
  unhealthy_after: wholeNumber(' of probes', 1).default(2).meta({ description: 'Failed probes in a row that make an endpoint unhealthy.' }),
});

const scrape = section({
  path: path().default('/metrics').meta({ description: "Path of the engine's metrics." }),
  interval_ms: milliseconds().default(1000).meta({ description: 'Time between two load samples of an endpoint, in milliseconds.' }),
});

const ejection = section({
  errors_in_row: wholeNumber(' of requests', 0).default(3).meta({ description: 'Failed requests in a row that eject an endpoint; 0 never does.' }),
  error_ratio: ratio().default(0.5).meta({ description: 'Share of failed requests within window_ms (0 to 1) that ejects an endpoint; 0 never does.' }),
  requests_min: wholeNumber(' of requests', 1).default(20).meta({ description: 'Requests within window_ms for error_ratio to count.' }),
  window_ms: milliseconds().default(10_000).meta({ description: 'Time over which error_ratio is taken, in milliseconds.' }),
  base_ms: milliseconds().default(10_000).meta({ description: 'How long the first ejection lasts, in milliseconds; each further one lasts twice as long.' }),
  max_ms: milliseconds().default(300_000).meta({ description: 'Longest ejection, in milliseconds; after as long without one, the next lasts base_ms again.' }),
});

const poolTls = section({
  ca_file: filePath().optional().meta({ description: "PEM file with the certificates of who vouches for the endpoints, in place of the well-known ones.", examples: ['/etc/warmroute/endpoints-ca.crt'] }),
  server_name: text(/^[A-Za-z0-9_.-]{1,253}$/, 'a host name').optional().meta({ description: "Name that is asked for and that the endpoints' certificates must have; unset, the host of the address.", examples: ['vllm.internal'] }),
  cert_file: filePath().optional().meta({ description: 'PEM file with the certificate that the router shows to endpoints.', examples: ['/run/secrets/tls.crt'] }),
  key_file: filePath().optional().meta({ description: 'PEM file with its private key.', examples: ['/run/secrets/tls.key'] }),
});

const pool = section({
  name: name().default('default').meta({ description: 'Name in logs, metrics and targets.' }),
  endpoints: listOf(endpoint, 'a list of endpoints')
    .default([])
    .meta({ description: 'Static endpoints; each an address, or a mapping with url.', examples: [['http://10.0.0.11:8000', { url: 'http://10.0.0.12:8000', kv_cache_tokens: 400_000 }]] }),
  dns: dns.optional().meta({ description: 'Endpoints found by DNS, besides the static ones.' }),
  api_key: secret().optional().meta({ description: 'Key for the endpoints, sent as a bearer token; empty is none.', examples: ['${VLLM_API_KEY:-}'], writeOnly: true }),
  tls: poolTls.optional().meta({ description: 'How https endpoints are proved and proved to; for requests, probes and load samples. The files are read again when they change.' }),
  shared: flag().default(false).meta({ description: 'Whether others send traffic to these endpoints too; their load is then taken from load samples.' }),
  by_load: flag().default(true).meta({ description: 'Whether the pool takes requests routed by load, such as embeddings and tokenize, whatever model they name.' }),
  usage: oneOf(['passive', 'ask'])
    .default('passive')
    .meta({ description: 'Where cached tokens of streams are learned from: passive reads what clients asked for; ask asks the engines for usage in every stream, and keeps it from clients that did not.' }),
  probe: probe.prefault({}).meta({ description: 'Periodic health request to each endpoint.' }),
  scrape: scrape.prefault({}).meta({ description: "Periodic reading of each engine's metrics." }),
  ejection: ejection.prefault({}).meta({ description: 'When an endpoint whose requests fail gets none for a while.' }),
  panic_ratio: ratio().default(0.5).meta({ description: 'Share of available endpoints (0 to 1) below which ejections by failed requests are ignored.' }),
  in_flight_max: wholeNumber(' of requests', 1).default(1024).meta({ description: 'Requests in flight on one endpoint; at the limit it is not available.' }),
  slow_start_ms: milliseconds(0).default(10_000).meta({ description: 'Time over which an endpoint that became healthy grows to its full share, in milliseconds; 0 is at once.' }),
});

const target = section({
  pool: name().meta({ description: 'Pool that serves it.', examples: ['default'] }),
  model: modelName().optional().meta({ description: "Model's name at the pool's endpoints; unset, the name the client uses.", examples: ['/model/qwen'] }),
  weight: wholeNumber('', 0).default(100).meta({ description: "Share of the model's conversations, relative to the other targets; 0 is none." }),
});

const model = section({
  name: modelName().meta({ description: 'Name that clients use.', examples: ['/model/qwen'] }),
  criticality: oneOf(['critical', 'standard', 'sheddable']).default('standard').meta({ description: 'How important its requests are: critical, standard or sheddable.' }),
  targets: listOf(target, 'a list of targets')
    .min(1, 'a list with at least one target')
    .meta({ description: 'Who serves it. A conversation stays with its target.', examples: [[{ pool: 'default', model: '/model/qwen', weight: 100 }]] }),
});

const prefix = section({
  kv_cache_tokens: kvCacheTokens().default('auto').meta({ description: 'Size of an endpoint\'s KV cache in tokens; auto takes what the engine reports.' }),
  bytes_per_token: positive(' of bytes').default(4).meta({ description: 'Bytes of prompt in a token, until it is learned from answers.' }),
  match_ratio_min: ratio().default(0.5).meta({ description: 'Match ratio (0 to 1) above which prefix-threshold routes by prefix.' }),
  tenant_endpoints_ratio: ratio().default(1).meta({ description: "Share of a target's endpoints (0 to 1, at least one) that one tenant's requests may go to, so that it cannot evict what others hold on the rest. 1 is no limit." }),
  tenants: oneOf(['pass', 'isolate'])
    .default('pass')
    .meta({ description: 'Whether tenants share what the engines hold: pass leaves `cache_salt` to clients; isolate writes one made of tenant and tenant_secret into each body.' }),
  tenant_secret: secret().optional().meta({ description: 'Secret that the salts of tenants are made with; required with tenants: isolate.', examples: ['${TENANT_SECRET:-}'], writeOnly: true }),
});

const timeouts = section({
  connect_ms: milliseconds().default(5000).meta({ description: 'Opening a connection to an endpoint, in milliseconds.' }),
  first_byte_ms: milliseconds().default(1_800_000).meta({ description: 'From sending a request to its first data event (or body byte), in milliseconds.' }),
  idle_ms: milliseconds().default(300_000).meta({ description: 'Between bytes of an answer after the first event, in milliseconds.' }),
  client_stall_ms: milliseconds().default(120_000).meta({ description: 'How long a client may leave its answer unread, in milliseconds.' }),
  client_body_ms: milliseconds().default(300_000).meta({ description: 'How long the whole of a request may take to arrive, in milliseconds; its head at most 60,000.' }),
  total_ms: milliseconds().default(3_600_000).meta({ description: 'A whole request with all its attempts, in milliseconds.' }),
});

const retry = section({
  attempts_max: wholeNumber(' of attempts', 1).default(2).meta({ description: 'Attempts for one request, the first included; 1 never retries.' }),
  budget_ratio: ratio().default(0.2).meta({ description: 'Retries as a share of the requests of the last 10 s (0 to 1); broken connections are tried again outside of it.' }),
  budget_min: wholeNumber(' of retries', 0).default(3).meta({ description: 'Retries that are allowed within 10 s however few requests there were.' }),
});

const admission = section({
  body_bytes_max: wholeNumber(' of bytes', 1).default(33_554_432).meta({ description: 'Size of a request body, in bytes; a larger one is refused with 413.' }),
  body_bytes_total_max: wholeNumber(' of bytes', 1)
    .default(1_073_741_824)
    .meta({ description: 'Size of all request bodies that are held until their requests end, in bytes; a request beyond it is refused with 503.' }),
  connections_max: wholeNumber(' of connections', 1).optional().meta({ description: 'Connections of clients to each listener; more are closed at once. Unset, there is no limit.' }),
  in_flight_max: wholeNumber(' of requests', 1).default(16_384).meta({ description: 'Requests in flight in the whole router.' }),
  tenant_in_flight_ratio: ratio().default(1).meta({ description: "Share of in_flight_max (0 to 1, at least one request) that one tenant's requests may take; more are refused with 429. 1 is no limit." }),
  queue_length_max: wholeNumber(' of requests', 0).default(1024).meta({ description: 'Requests that may wait for a slot, when all endpoints or the router are at their limit; more are refused with 503.' }),
  queue_bytes_max: wholeNumber(' of bytes', 0).default(268_435_456).meta({ description: 'Size of all bodies that wait for a slot, in bytes.' }),
  queue_wait_max_ms: milliseconds(0).default(30_000).meta({ description: 'How long a request may wait for a slot, in milliseconds.' }),
  keep_alive_comment_ms: milliseconds(0)
    .default(0)
    .meta({ description: 'How often a stream that waits for its first event gets an SSE comment, in milliseconds; its status is 200 from the first one on. 0 is never.' }),
});

const shutdown = section({
  settle_ms: milliseconds(0).default(5000).meta({ description: 'Time between turning not ready and refusing new connections, in milliseconds.' }),
  deadline_ms: milliseconds(0).default(3_600_000).meta({ description: 'Time after which requests still running are cut off, in milliseconds.' }),
});

const log = section({
  level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info').meta({ description: 'Least level that is logged.' }),
  sample_ratio: ratio().default(1).meta({ description: 'Share of successful requests that are logged (0 to 1); others always are.' }),
});

/** The whole file as it may be written. What the code reads is made of it in config.ts. */
export const configSchema = section({
  version: z.literal(1, '1').default(1).meta({ description: 'Version of this format.' }),
  listeners: listOf(listener, 'a list of listeners')
    .min(1, 'a list with at least one listener')
    .prefault([
      { name: 'prefix', host: '0.0.0.0', port: 8081, policy: 'prefix-cost' },
      { name: 'baseline', host: '0.0.0.0', port: 8080, policy: 'least-request' },
    ])
    .meta({ description: 'Where clients come in; each listener has its own policy.' }),
  admin: admin.prefault({}).meta({ description: 'Where operators come in: / (the page), /live, /ready, /metrics, /endpoints, /choices, /explain, /config, /reload.' }),
  clients: listOf(client, 'a list of clients')
    .default([])
    .meta({ description: 'Who may send requests. Empty: everybody.', examples: [[{ name: 'team-a', key: '${file:/run/secrets/team-a}' }]] }),
  pools: listOf(pool, 'a list of pools')
    .min(1, 'a list with at least one pool')
    .meta({ description: 'Groups of endpoints that serve the same models.', examples: [[{ name: 'default' }]] }),
  models: listOf(model, 'a list of models')
    .default([])
    .meta({ description: 'Names that clients use. Empty: the names that endpoints report in /v1/models.', examples: [[{ name: '/model/qwen' }]] }),
  prefix: prefix.prefault({}).meta({ description: 'How the content of KV caches is estimated.' }),
  timeouts: timeouts.prefault({}).meta({ description: 'How long each phase of a request may take.' }),
  retry: retry.prefault({}).meta({ description: 'Trying again elsewhere, before anything reached the client.' }),
  admission: admission.prefault({}).meta({ description: 'Limits of what is let in.' }),
  shutdown: shutdown.prefault({}).meta({ description: 'What happens at SIGTERM.' }),
  log: log.prefault({}).meta({ description: 'Log lines, as JSON on standard output.' }),
});
