// contradictions.ts: what no single key can know: names and addresses that stand twice, and references to nothing.

import { clientContradictions } from './client-keys.ts';
import { isFields, itemsOf, type Contradiction, type Fields, type Item } from './contradiction.ts';

/**
 * All contradictions in a file whose defaults are filled in.
 *
 * Takes anything, because other problems do not stop the search; parts of the wrong form are passed over.
 */
export function contradictionsOf(file: unknown): Contradiction[] {
  const root = isFields(file) ? file : {};
  const listeners = itemsOf(root, 'listeners', []);
  const pools = itemsOf(root, 'pools', []);
  const models = itemsOf(root, 'models', []);
  const clients = itemsOf(root, 'clients', []);
  return [
    ...duplicates([ADMIN, ...listeners.map(nameIn)], 'a name that no other listener has'),
    ...duplicates(pools.map(nameIn), 'a name that no other pool has'),
    ...duplicates(models.map(nameIn), 'a name that no other model has'),
    ...duplicates(clients.map(nameIn), 'a name that no other client has'),
    ...clientContradictions(clients),
    ...duplicates(pools.flatMap(addressesIn), 'an address that no other endpoint has'),
    ...sharedPorts([...(isFields(root['admin']) ? [{ path: ['admin'], fields: root['admin'] }] : []), ...listeners]),
    ...secretless(root['prefix']),
    ...pools.flatMap(({ fields, path }) => [...sourceless(fields, path), ...dnsPort(fields, path), ...ejectionTimes(fields, path)]),
    ...models.flatMap((model) => targetProblems(model, pools)),
  ];
}

interface Named {
  readonly path: Item['path'];
  readonly value: unknown;
}

/** The listener for operators has its name already. */
const ADMIN: Named = { path: ['admin'], value: 'admin' };

function duplicates(named: readonly Named[], wanted: string): Contradiction[] {
  const seen = new Set<unknown>();
  return named.flatMap(({ value, path }) => {
    if (typeof value !== 'string') return [];
    if (seen.has(value)) return [{ path, seen: `${JSON.stringify(value)} again`, wanted }];
    seen.add(value);
    return [];
  });
}

function nameIn({ fields, path }: Item): Named {
  return { path: [...path, 'name'], value: fields['name'] };
}

function addressesIn({ fields, path }: Item): Named[] {
  const endpoints: readonly unknown[] = Array.isArray(fields['endpoints']) ? fields['endpoints'] : [];
  return endpoints.map((endpoint, i) => {
    const at = [...path, 'endpoints', i];
    return isFields(endpoint) ? { path: [...at, 'url'], value: hostAndPort(endpoint['url']) } : { path: at, value: hostAndPort(endpoint) };
  });
}

/** What live state is keyed by: the scheme makes no other endpoint. Undefined for what is no address; that is told by the schema. */
function hostAndPort(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const usual = USUAL_PORTS.get(protocol);
  return usual === undefined ? undefined : `${hostname}:${port === '' ? usual : port}`;
}

const USUAL_PORTS: ReadonlyMap<string, number> = new Map([
  ['http:', 80],
  ['https:', 443],
]);

/** A wildcard address takes the port on every address. Port 0 is a free one, so it never collides. */
function sharedPorts(items: readonly Item[]): Contradiction[] {
  return items.flatMap(({ fields, path }, i) => {
    const others = items.slice(0, i).filter((earlier) => overlaps(earlier.fields, fields));
    if (others.length === 0) return [];
    const taken = `a port that ${others.map(nameOf).join(' and ')} ${others.length === 1 ? 'does' : 'do'} not listen on`;
    return [{ path: [...path, 'port'], seen: `${String(fields['port'])} again`, wanted: taken }];
  });
}

function overlaps(a: Fields, b: Fields): boolean {
  const samePort = typeof a['port'] === 'number' && a['port'] !== 0 && a['port'] === b['port'];
  return samePort && (a['host'] === b['host'] || isWildcard(a['host']) || isWildcard(b['host']));
}

function isWildcard(host: unknown): boolean {
  return host === '0.0.0.0' || host === '::';
}

function nameOf({ fields, path }: Item): string {
  return typeof fields['name'] === 'string' ? `listener ${fields['name']}` : String(path[0]);
}

function sourceless(pool: Fields, path: Item['path']): Contradiction[] {
  const { endpoints, dns } = pool;
  if (dns !== undefined || !Array.isArray(endpoints) || endpoints.length > 0) return [];
  return [{ path, seen: 'without endpoints', wanted: 'endpoints, dns or both' }];
}

function dnsPort(pool: Fields, path: Item['path']): Contradiction[] {
  const { dns } = pool;
  if (!isFields(dns)) return [];
  const { type, port } = dns;
  const at = [...path, 'dns', 'port'];
  if (type === 'srv' && port !== undefined) return [{ path: at, seen: `${JSON.stringify(port)} with type srv`, wanted: 'no port: SRV records carry it' }];
  if (type !== 'srv' && port === undefined) return [{ path: at, seen: 'missing', wanted: 'a port, because only SRV records carry one' }];
  return [];
}

function ejectionTimes({ ejection }: Fields, path: Item['path']): Contradiction[] {
  if (!isFields(ejection)) return [];
  const { base_ms: baseMs, max_ms: maxMs } = ejection;
  if (typeof baseMs !== 'number' || typeof maxMs !== 'number' || maxMs >= baseMs) return [];
  return [{ path: [...path, 'ejection', 'max_ms'], seen: String(maxMs), wanted: `a time that is not below base_ms, which is ${baseMs}` }];
}

function secretless(prefix: unknown): Contradiction[] {
  if (!isFields(prefix) || prefix['tenants'] !== 'isolate') return [];
  const { tenant_secret: secret } = prefix;
  return secret === undefined || secret === '' ? [{ path: ['prefix', 'tenants'], seen: '"isolate" without a tenant_secret', wanted: 'a tenant_secret beside it, or pass' }] : [];
}

function targetProblems(model: Item, pools: readonly Item[]): Contradiction[] {
  const targets = itemsOf(model.fields, 'targets', model.path);
  const known = new Set(pools.map(({ fields }) => fields['name']).filter((name) => typeof name === 'string'));
  const pairs = targets.map(({ fields, path }) => ({ path, value: `${String(fields['pool'])} ${String(fields['model'] ?? model.fields['name'])}` }));
  const weightless = targets.length > 0 && targets.every(({ fields }) => fields['weight'] === 0);
  return [
    ...targets.flatMap(({ fields: { pool }, path }) => {
      if (typeof pool !== 'string' || known.has(pool)) return [];
      return [{ path: [...path, 'pool'], seen: JSON.stringify(pool), wanted: `the name of a pool: ${[...known].join(', ')}` }];
    }),
    ...duplicates(pairs, 'a pool and model that no other target has'),
    ...(weightless ? [{ path: [...model.path, 'targets'], seen: 'a list whose weights are all 0', wanted: 'a weight above 0' }] : []),
  ];
}
