// reload.ts: another configuration without losing a request: read, prepare what can fail, switch in one go, let go of what is over.

import { ENDPOINTS_VARIABLE, isUnchanged, readConfigFile, type ReadFile } from './config/load.ts';
import { formatProblem } from './config/problem.ts';
import { watchFiles, type FileWatch } from './config/watch.ts';
import { ListenError, portsOf, type Listeners, type PreparedPorts } from './listeners.ts';
import type { ReloadTrigger } from './observe/log-events.ts';
import type { Parts } from './parts.ts';
import type { ConfigStatus, ReloadResult } from './server/admin-config.ts';

/** A file that a router was started with. */
export type StartedWith = Pick<ReadFile, 'path' | 'texts'>;

const STOPPING = 'the router is stopping';

export class Reloads {
  readonly #parts: Parts;
  readonly #listeners: Listeners;
  readonly #watch: FileWatch;
  /** Undefined: the environment. */
  #file: StartedWith | undefined;
  #loadedAt = new Date();
  #last: ConfigStatus['lastReload'];
  #running: Promise<unknown> = Promise.resolve();

  /** The file is watched from here on. */
  constructor(parts: Parts, listeners: Listeners, file: StartedWith | undefined) {
    this.#parts = parts;
    this.#listeners = listeners;
    this.#file = file;
    this.#watch = watchFiles(() => this.#onFileChange(), (folder, why) => parts.log.configUnwatched(folder, why));
    if (file !== undefined) this.#watch.follow(file.texts.keys());
  }

  /** One at a time, each reading what is there when its turn comes. Never rejects. */
  ask(trigger: ReloadTrigger): Promise<ReloadResult> {
    const result = this.#running.then(() => this.#reload(trigger));
    this.#running = result;
    return result;
  }

  status(): ConfigStatus {
    return { loadedAt: this.#loadedAt, source: this.#file?.path ?? ENDPOINTS_VARIABLE, lastReload: this.#last };
  }

  /** Nothing changes any more when this resolves. The router is leaving, so what is asked for from now on is refused. */
  async close(): Promise<void> {
    this.#watch.close();
    await this.#running;
  }

  async #reload(trigger: ReloadTrigger): Promise<ReloadResult> {
    if (this.#file === undefined) return this.#refuse(trigger, `started without a file, from ${ENDPOINTS_VARIABLE}: there is nothing to read again`);
    if (this.#parts.leaving) return this.#refuse(trigger, STOPPING);
    try {
      return await this.#takeOver(trigger, this.#file);
    } catch (error) {
      this.#parts.log.unexpected('reload', error);
      return this.#fail(trigger, ['the router failed to take it over']);
    }
  }

  async #takeOver(trigger: ReloadTrigger, file: StartedWith): Promise<ReloadResult> {
    // Read. Watched before and after, so that no change falls between.
    this.#watch.follow(file.texts.keys());
    const read = readConfigFile(file.path);
    this.#file = read;
    this.#watch.follow(read.texts.keys());
    if (read.loaded.kind === 'invalid') return this.#fail(trigger, read.loaded.problems.map(formatProblem));
    const { config } = read.loaded;

    // Prepare.
    let ports: PreparedPorts;
    try {
      ports = await this.#listeners.prepare(portsOf(config));
    } catch (error) {
      if (error instanceof ListenError) return this.#fail(trigger, [error.message]);
      throw error;
    }
    if (this.#parts.leaving) {
      await this.#listeners.abandon(ports);
      return this.#refuse(trigger, STOPPING);
    }

    // Switch, and let go: no request meets half of it, because nothing is awaited here.
    this.#parts.reconfigure(config);
    this.#listeners.switchTo(ports, config.shutdown);
    this.#loadedAt = new Date();
    this.#parts.log.configReloaded(trigger, file.path);
    return this.#note({ result: 'ok' });
  }

  #refuse(trigger: ReloadTrigger, why: string): ReloadResult {
    this.#parts.log.reloadRefused(trigger, why);
    return { result: 'refused', why };
  }

  #fail(trigger: ReloadTrigger, problems: readonly string[]): ReloadResult {
    this.#parts.log.configRejected(trigger, this.status().source, problems);
    return this.#note({ result: 'failed', problems });
  }

  #note(result: Exclude<ReloadResult, { result: 'refused' }>): ReloadResult {
    this.#last = { at: new Date(), ...result };
    this.#parts.metrics.configReloaded(result.result);
    return result;
  }

  #onFileChange(): void {
    if (this.#file === undefined) return;
    // What is compared may be replaced the next moment, so what is watched is brought up to date first.
    this.#watch.follow(this.#file.texts.keys());
    if (!isUnchanged(this.#file)) void this.ask('file');
  }
}
