// cli.ts: the command line: serve, check, version.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startRouter } from './app.ts';
import { checkReport } from './config/check-command.ts';
import { readConfig, readConfigFile } from './config/load.ts';
import { formatProblem } from './config/problem.ts';

const USAGE = `warmroute: sends each request to the vLLM replica that probably holds the longest prefix of its prompt

  warmroute serve [--config FILE]   run; without a file, WARMROUTE_ENDPOINTS=http://a:8000,http://b:8000 names the endpoints
  warmroute check FILE              say whether the configuration is good, and everything that is wrong with it
  warmroute version
  warmroute help

Exit codes: 0 good, 1 failed, 2 wrong configuration or wrong use.
`;

const EXIT_FAILED = 1;
const EXIT_MISUSE = 2;

/** What the process is told from outside. `stop` lets `serve` finish what it has, `cutOff` does not; `onReload` is to be called by what reads the configuration again. */
export interface Signals {
  readonly stop: AbortSignal;
  readonly cutOff: AbortSignal;
  readonly onReload: (reload: () => void) => void;
}

/** Runs one command and resolves to the exit code. `serve` resolves when the router has stopped. */
export async function run(args: readonly string[], signals: Signals): Promise<number> {
  const [command = 'help', ...rest] = args;
  switch (command) {
    case 'serve':
      return serve(rest, signals);
    case 'check':
      return check(rest);
    case 'version':
    case '--version':
      process.stdout.write(`warmroute ${version()}\n`);
      return 0;
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(USAGE);
      return 0;
    default:
      return misuse(`There is no command '${command}'.`);
  }
}

async function serve(args: readonly string[], signals: Signals): Promise<number> {
  let file: string | undefined;
  try {
    file = parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values.config;
  } catch (error) {
    return misuse(messageOf(error));
  }
  const read = file === undefined ? undefined : readConfigFile(file);
  const loaded = read?.loaded ?? readConfig(undefined);
  if (loaded.kind === 'invalid') {
    process.stderr.write(`${loaded.problems.map(formatProblem).join('\n')}\n`);
    return EXIT_MISUSE;
  }
  let router;
  try {
    router = await startRouter({ config: loaded.config, version: version(), file: read });
  } catch (error) {
    process.stderr.write(`warmroute cannot start: ${messageOf(error)}\n`);
    return EXIT_FAILED;
  }
  signals.onReload(() => void router.reload());
  await aborted(signals.stop);
  const stopped = router.stop();
  void aborted(signals.cutOff).then(() => router.stop());
  await stopped;
  return 0;
}

function check(args: readonly string[]): number {
  const [file, ...more] = args;
  if (file === undefined || more.length > 0) return misuse('check takes one file.');
  const { text, exitCode } = checkReport(readConfig(file));
  (exitCode === 0 ? process.stdout : process.stderr).write(text.endsWith('\n') ? text : `${text}\n`);
  return exitCode;
}

function misuse(message: string): number {
  process.stderr.write(`${message}\n\n${USAGE}`);
  return EXIT_MISUSE;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function version(): string {
  const { version: found } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return found;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
