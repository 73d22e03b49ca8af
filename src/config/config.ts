// config.ts: what the rest of the program knows of its configuration: plain frozen data with every default filled in.
import type { z } from 'zod';
import type { Camelize } from './camelize.ts';
import type { configSchema } from './schema.ts';

export type Config = Camelize<z.output<typeof configSchema>>;
export type ListenerConfig = Config['listeners'][number];
export type PolicyName = ListenerConfig['policy'];
export type PoolConfig = Config['pools'][number];
export type EndpointConfig = PoolConfig['endpoints'][number];
export type DnsConfig = NonNullable<PoolConfig['dns']>;
export type ModelConfig = Config['models'][number];
export type TargetConfig = ModelConfig['targets'][number];
