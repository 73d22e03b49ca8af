// config.ts: what the rest of the program knows of its configuration: plain frozen data with every default filled in.
import type { z } from 'zod';
import { camelize } from './camelize.ts';
import type { Camelize } from './camelize.ts';
import { sha256 } from './client-keys.ts';
import type { configSchema } from './schema.ts';

type File = z.output<typeof configSchema>;

export type Config = Camelize<ReturnType<typeof complete>>;

/** `texts`: what is in the files that `file` names, by path. */
export function toConfig(file: File, texts: ReadonlyMap<string, string>): Config {
  return camelize(complete(file, texts));
}

/**
 * Makes one form of several: endpoints are mappings whose url is an origin, an empty key or secret is none, a target names its model. Of
 * what others have to show only the SHA-256 is left; of a file that is named, its text.
 */
function complete(file: File, texts: ReadonlyMap<string, string>) {
  const textOf = (path: string): string => texts.get(path) ?? '';
  const { tenant_secret, ...prefix } = file.prefix;
  return {
    ...file,
    prefix: { ...prefix, ...(tenant_secret === undefined || tenant_secret === '' ? {} : { tenant_secret }) },
    listeners: file.listeners.map(({ tls, ...listener }) => ({
      ...listener,
      ...(tls === undefined ? {} : { tls: { cert: textOf(tls.cert_file), key: textOf(tls.key_file), ...(tls.client_ca_file === undefined ? {} : { client_ca: textOf(tls.client_ca_file) }) } }),
    })),
    admin: { host: file.admin.host, port: file.admin.port, ...(file.admin.token === undefined ? {} : { token_sha256: sha256(file.admin.token) }) },
    clients: file.clients.map(({ name, key, key_sha256, tenant, in_flight_max }) => ({
      name,
      key_sha256: key === undefined ? (key_sha256 ?? '').toLowerCase() : sha256(key),
      tenant: tenant ?? name,
      ...(in_flight_max === undefined ? {} : { in_flight_max }),
    })),
    pools: file.pools.map(({ api_key, endpoints, tls, ...pool }) => ({
      ...pool,
      ...(api_key === undefined || api_key === '' ? {} : { api_key }),
      ...(tls === undefined ? {} : { tls: poolTls(tls, textOf) }),
      endpoints: endpoints.map((endpoint) => (typeof endpoint === 'string' ? { url: originOf(endpoint) } : { ...endpoint, url: originOf(endpoint.url) })),
    })),
    models: file.models.map((model) => ({ ...model, targets: model.targets.map((target) => ({ ...target, model: target.model ?? model.name })) })),
  };
}

function poolTls({ ca_file, server_name, cert_file, key_file }: NonNullable<File['pools'][number]['tls']>, textOf: (path: string) => string) {
  return {
    ...(ca_file === undefined ? {} : { ca: textOf(ca_file) }),
    ...(server_name === undefined ? {} : { server_name }),
    ...(cert_file === undefined ? {} : { cert: textOf(cert_file) }),
    ...(key_file === undefined ? {} : { key: textOf(key_file) }),
  };
}

function originOf(url: string): string {
  return new URL(url).origin;
}
