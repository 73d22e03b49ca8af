// main.ts: what clients see of faults: `npm run bench:faults`.

import { parseArgs } from 'node:util';
import { count } from '../load/flag-values.ts';
import { watchMachine } from '../load/machine.ts';
import { createProgress } from '../load/progress.ts';
import { leaves } from './leaves.ts';
import { overload } from './overload.ts';
import { reloadStreams } from './reload-streams.ts';
import { evidenceOf, isMet, tableOfResults, type Played } from './result.ts';
import { steadySituations, type Situation } from './situations.ts';
import { commonConversations } from './stage.ts';
import { terminated } from './terminated.ts';

const STEADY_S = 15;
const LONG_S = 60;

/** With the seconds that each takes unless told otherwise. */
const situations = new Map<string, readonly [Situation, number]>([
  ...[...steadySituations].map(([name, situation]) => [name, [situation, STEADY_S]] as const),
  ['terminated', [terminated, STEADY_S]],
  ['leaves', [leaves, STEADY_S]],
  ['overload', [overload, LONG_S]],
  ['reload-streams', [reloadStreams, LONG_S]],
]);

const help = `usage: node bench/faults/main.ts [options]

Three simulated endpoints, the router before them, 200 short requests a second and 20 long streams, and something breaks. Each client
knows the answer that it must get. Prints a row for each situation; exits with 1 when a target is missed, or when a request was lost, ended
cleanly but short, hung, got another's bytes, or was worked on after its client left. A machine that is busy or late shows more than the router does.

  --only A,B     situations (all: ${[...situations.keys()].join(', ')})
  --seconds N    of each from the fault on (${STEADY_S}; overload and reload-streams ${LONG_S})
  --evidence     print some of what clients saw that was no answer
  --help
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, seconds: { type: 'string' }, evidence: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const names = values.only?.split(',') ?? [...situations.keys()];
  const unknown = names.find((name) => !situations.has(name));
  if (unknown !== undefined) throw new RangeError(`--only wants some of ${[...situations.keys()].join(', ')}: ${unknown}`);
  const seconds = values.seconds === undefined ? undefined : count('seconds', values.seconds, 1);
  const conversations = await commonConversations();
  const progress = createProgress();
  const played: Played[] = [];
  for (const [at, name] of names.entries()) {
    progress.update(at / names.length, name);
    const [situation, usualSeconds] = situations.get(name)!;
    const machine = watchMachine();
    const result = await situation({ seconds: seconds ?? usualSeconds, conversations });
    played.push({ name, result, machine: machine() });
  }
  progress.end();
  process.stdout.write(tableOfResults(played));
  if (values.evidence === true) for (const { name, result } of played) for (const line of evidenceOf(result)) process.stdout.write(`\n${name}: ${line}\n`);
  return played.every(({ result }) => isMet(result)) ? 0 : 1;
}
