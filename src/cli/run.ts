// run.ts: the command line: which command, and with what.

import { check, CHECK_USAGE } from './check.ts';
import { explain, EXPLAIN_USAGE } from './explain.ts';
import { serve, SERVE_USAGE, type Signals } from './serve.ts';
import { misuse, say } from './terminal.ts';
import { version } from './version.ts';

const USAGE = `warmroute: sends each request to the vLLM replica that probably holds the longest prefix of its prompt

  warmroute serve [--config FILE]        run; without a file, WARMROUTE_ENDPOINTS=http://a:8000,http://b:8000 names the endpoints
  warmroute check FILE [--probe]         say whether the configuration is good, and whether its endpoints are
  warmroute explain --file BODY.json     ask a running router where a request would go, and why
  warmroute version
  warmroute COMMAND --help

Exit codes: 0 good, 1 failed, 2 wrong configuration or wrong use.
`;

interface Command {
  readonly usage: string;
  readonly run: (args: readonly string[], signals: Signals) => number | Promise<number>;
}

const VERSION_USAGE = 'warmroute version: the version of this warmroute\n';

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['serve', { usage: SERVE_USAGE, run: serve }],
  ['check', { usage: CHECK_USAGE, run: check }],
  ['explain', { usage: EXPLAIN_USAGE, run: explain }],
  ['version', { usage: VERSION_USAGE, run: sayVersion }],
  ['--version', { usage: VERSION_USAGE, run: sayVersion }],
]);

/** Runs one command and resolves to the exit code. `serve` resolves when the router has stopped. */
export async function run(args: readonly string[], signals: Signals): Promise<number> {
  const [name = 'help', ...rest] = args;
  const command = COMMANDS.get(name === 'help' ? (rest[0] ?? '') : name);
  if (command !== undefined && (name === 'help' || rest.includes('--help') || rest.includes('-h'))) {
    say(command.usage);
    return 0;
  }
  if (command !== undefined) return command.run(rest, signals);
  if ((name === 'help' && rest.length === 0) || name === '--help' || name === '-h') {
    say(USAGE);
    return 0;
  }
  return misuse(`There is no command '${name === 'help' ? rest[0] : name}'.`, USAGE);
}

function sayVersion(args: readonly string[]): number {
  if (args.length > 0) return misuse('version takes nothing.', VERSION_USAGE);
  say(`warmroute ${version()}`);
  return 0;
}
