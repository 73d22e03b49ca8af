// reloadable-router.ts: a router in this process that was started from a file, and that file.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { fileOf, startTestRouter, type TestRouter, type TestRouterOptions } from './test-router.ts';

export interface Reloaded {
  readonly status: number;
  readonly result: string;
  readonly problems: readonly string[];
}

export interface ReloadableRouter extends TestRouter {
  /** The path of the file, in a folder of its own. */
  readonly file: string;
  /** Puts another text in the file's place, or another file with these keys. */
  write(keys: TestRouterOptions | string): void;
  /** Writes, and asks the admin listener to read it. */
  reload(keys: TestRouterOptions | string): Promise<Reloaded>;
}

export async function startReloadableRouter(t: Test, keys: TestRouterOptions, file = join(temporaryFolder(t), 'warmroute.yaml')): Promise<ReloadableRouter> {
  const started = await startTestRouter(t, { ...keys, file });
  const write = (next: TestRouterOptions | string): void => {
    writeFileSync(`${file}.new`, typeof next === 'string' ? next : fileOf(next));
    renameSync(`${file}.new`, file);
  };
  return {
    ...started,
    file,
    write,
    async reload(next) {
      write(next);
      return askReload(started.adminUrl);
    },
  };
}

export async function askReload(adminUrl: string): Promise<Reloaded> {
  const answer = await fetch(`${adminUrl}/reload`, { method: 'POST' });
  return { status: answer.status, ...((await answer.json()) as Omit<Reloaded, 'status'>) };
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'warmroute-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const RELOADED = { status: 200, result: 'ok', problems: [] };
