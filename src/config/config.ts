// config.ts: what the rest of the program knows of its configuration: plain frozen data with every default filled in.
import type { z } from 'zod';
import { camelize } from './camelize.ts';
import type { Camelize } from './camelize.ts';
import type { configSchema } from './schema.ts';

type File = z.output<typeof configSchema>;

export type Config = Camelize<ReturnType<typeof complete>>;

export function toConfig(file: File): Config {
  return camelize(complete(file));
}

/** Makes one form of several: endpoints are mappings whose url is an origin, an empty key or secret is none, a target names its model. */
function complete(file: File) {
  const { tenant_secret, ...prefix } = file.prefix;
  return {
    ...file,
    prefix: { ...prefix, ...(tenant_secret === undefined || tenant_secret === '' ? {} : { tenant_secret }) },
    pools: file.pools.map(({ api_key, endpoints, ...pool }) => ({
      ...pool,
      ...(api_key === undefined || api_key === '' ? {} : { api_key }),
      endpoints: endpoints.map((endpoint) => (typeof endpoint === 'string' ? { url: originOf(endpoint) } : { ...endpoint, url: originOf(endpoint.url) })),
    })),
    models: file.models.map((model) => ({ ...model, targets: model.targets.map((target) => ({ ...target, model: target.model ?? model.name })) })),
  };
}

function originOf(url: string): string {
  return new URL(url).origin;
}
