// ports.ts: the ports that people know, unless someone has them.

import { createServer } from 'node:net';
import type { ListenerName, Ports } from '../load/router.ts';

const wanted: Ports = { prefix: 8081, baseline: 8080, admin: 9901 };

export interface ChosenPorts {
  /** 0 where a free one has to do. */
  readonly ports: Ports;
  readonly taken: readonly number[];
}

export async function choosePorts(): Promise<ChosenPorts> {
  const taken: number[] = [];
  const choose = async (name: ListenerName): Promise<number> => {
    if (await isFree(wanted[name])) return wanted[name];
    taken.push(wanted[name]);
    return 0;
  };
  const [prefix, baseline, admin] = [await choose('prefix'), await choose('baseline'), await choose('admin')];
  return { ports: { prefix, baseline, admin }, taken };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
