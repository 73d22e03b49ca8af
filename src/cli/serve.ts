// serve.ts: the command that runs the router.

import { parseArgs } from 'node:util';
import { startRouter } from '../app.ts';
import { readConfig, readConfigFile } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { complain, EXIT_FAILED, EXIT_MISUSE, messageOf, misuse } from './terminal.ts';
import { version } from './version.ts';

export const SERVE_USAGE = `warmroute serve [--config FILE]

Runs the router until SIGTERM or SIGINT; a second one cuts off what still runs. SIGHUP reads FILE again.

  --config FILE   the configuration; without it WARMROUTE_ENDPOINTS=http://a:8000,http://b:8000 names the endpoints

Exit codes: 0 stopped by a signal, 1 could not start, 2 wrong configuration or wrong use.
`;

/** What the process is told from outside. `stop` lets `serve` finish what it has, `cutOff` does not; `onReload` is to be called by what reads the configuration again. */
export interface Signals {
  readonly stop: AbortSignal;
  readonly cutOff: AbortSignal;
  readonly onReload: (reload: () => void) => void;
}

export async function serve(args: readonly string[], signals: Signals): Promise<number> {
  let file: string | undefined;
  try {
    file = parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values.config;
  } catch (error) {
    return misuse(messageOf(error), SERVE_USAGE);
  }
  const read = file === undefined ? undefined : readConfigFile(file);
  const loaded = read?.loaded ?? readConfig(undefined);
  if (loaded.kind === 'invalid') {
    complain(loaded.problems.map(formatProblem).join('\n'));
    return EXIT_MISUSE;
  }
  let router;
  try {
    router = await startRouter({ config: loaded.config, version: version(), file: read });
  } catch (error) {
    complain(`warmroute cannot start: ${messageOf(error)}`);
    return EXIT_FAILED;
  }
  signals.onReload(() => void router.reload());
  await aborted(signals.stop);
  const stopped = router.stop();
  void aborted(signals.cutOff).then(() => router.stop());
  await stopped;
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
