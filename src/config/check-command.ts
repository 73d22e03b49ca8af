// check-command.ts: what `warmroute check FILE` says: whether a file would be taken, and what it describes.
import type { Config } from './config.ts';
import { formatProblem } from './problem.ts';
import type { Loaded } from './validate.ts';

/** `exitCode` is 0 for a valid configuration, 2 for one with problems. `text` ends without a line end. */
export function checkReport(loaded: Loaded): { readonly text: string; readonly exitCode: 0 | 2 } {
  if (loaded.kind === 'ok') return { text: summary(loaded.config), exitCode: 0 };
  return { text: loaded.problems.map(formatProblem).join('\n'), exitCode: 2 };
}

function summary({ listeners, admin, clients, pools, models }: Config): string {
  return [
    ...listeners.map(({ name, host, port, policy, tls }) => `listener ${name} on ${address(host, port)}${tls === undefined ? '' : ' with TLS'}, ${policy}`),
    `admin on ${address(admin.host, admin.port)}`,
    ...clients.map(({ name, tenant, inFlightMax }) => `client ${name} of tenant ${tenant}${inFlightMax === undefined ? '' : `, at most ${inFlightMax} requests in flight`}`),
    ...pools.map(({ name, endpoints, dns }) => {
      const sources = [...endpoints.map(({ url }) => url), ...(dns ? [`those of ${dns.name} (${dns.type})`] : [])];
      return `pool ${name} with ${sources.join(', ')}`;
    }),
    ...models.map(({ name, targets }) => `model ${name} from ${targets.map(({ pool, model, weight }) => `${pool} as ${model} (${weight})`).join(', ')}`),
  ].join('\n');
}

function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
