// main.ts: how long an endpoint works on for a client that left: `npm run bench:leave`.

import { parseArgs } from 'node:util';
import { startRouter } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startEndpoint, type Phase } from './endpoint.ts';
import { leaveOnce, LEAVINGS } from './leave-once.ts';

const LIMIT_MS = 100;
const PHASES: readonly Phase[] = ['before any answer', 'while the 200 is held', 'in the middle of a stream'];

const help = `usage: npm run bench:leave -- [options]

Clients leave in each phase of a request, by reset and by an ordinary close: how long until the endpoint's connection is closed.
Exits with 1 when one takes longer than ${LIMIT_MS} ms.

  --leaves N  in each row (200)
  --help
`;

const { values } = parseArgs({ options: { leaves: { type: 'string', default: '200' }, help: { type: 'boolean' } } });
if (values.help === true) {
  process.stdout.write(help);
  process.exit();
}
const leaves = Number(values.leaves);
if (!Number.isInteger(leaves) || leaves < 1) throw new RangeError(`--leaves wants a whole number of at least 1: ${values.leaves}`);

const endpoint = await startEndpoint();
const router = await startRouter({ config: configFor(endpoint.url), version: 'bench', logDestination: { write() {} } });
await router.ready();
const url = new URL(router.urls['clients'] ?? '');

process.stdout.write(`From a client's leaving to the end of its connection upstream, ${leaves} leaves each, in milliseconds (at most ${LIMIT_MS})\n\n`);
process.stdout.write(`${'surface'.padEnd(11)} ${'phase'.padEnd(26)} ${'leaving'.padEnd(8)} ${['p50', 'p99', 'max'].map((name) => name.padStart(7)).join(' ')}\n`);
let missed = false;
for (const [surface, path] of [['read', '/v1/chat/completions'], ['by load', '/v1/embeddings']] as const) {
  for (const phase of PHASES) {
    endpoint.phase = phase;
    for (const leaving of LEAVINGS) {
      const times: number[] = [];
      for (let i = 0; i < leaves; i += 1) times.push(await leaveOnce({ url, path, leaving, endpoint }));
      times.sort((a, b) => a - b);
      const figures = [0.5, 0.99, 1].map((share) => times[Math.ceil(share * leaves) - 1] ?? Infinity);
      missed ||= (figures[2] ?? Infinity) > LIMIT_MS;
      process.stdout.write(`${surface.padEnd(11)} ${phase.padEnd(26)} ${leaving.padEnd(8)} ${figures.map((ms) => ms.toFixed(2).padStart(7)).join(' ')}\n`);
    }
  }
}
process.stdout.write(`\n${missed ? 'missed' : 'met'}: every connection closed within ${LIMIT_MS} ms\n`);
await router.stop();
await endpoint.close();
process.exitCode = missed ? 1 : 0;

function configFor(endpointUrl: string) {
  const text = JSON.stringify({
    listeners: [{ name: 'clients', host: '127.0.0.1', port: 0 }],
    admin: { port: 0 },
    pools: [{ endpoints: [endpointUrl], slow_start_ms: 0 }],
    shutdown: { settle_ms: 0, deadline_ms: 500 },
  });
  const loaded = loadConfig({ path: 'bench', env: {}, readFile: () => text });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}
