// watch.ts: notices that files may have changed. It watches their folders: a watch on a file ends with the first rename onto it.

import { realpathSync, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

export interface FileWatch {
  /** These files from now on, and no others. A folder that is new among theirs counts as a change: nobody watched it before. */
  follow(files: Iterable<string>): void;
  close(): void;
}

/** An editor writes in several steps: it is over when nothing came for this long … */
const QUIET_MS = 100;
/** … or when it has been going on for this long. */
const WAIT_MS_MAX = 1000;

interface WatchedFolder {
  readonly watcher: FSWatcher;
  /** Tells a folder that was replaced from the one that is watched. */
  readonly inode: number;
}

/**
 * Calls `onChange` after something happened in the folder of a file that is followed, whatever it was: the caller compares. A file that is
 * a link is followed to where it leads too, which is how Kubernetes mounts a ConfigMap.
 *
 * `onProblem` is told of each folder that cannot be watched, once. Never throws.
 */
export function watchFiles(onChange: () => void, onProblem: (folder: string, why: string) => void): FileWatch {
  const folders = new Map<string, WatchedFolder>();
  const unwatched = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let firstMs = 0;

  function note(): void {
    const nowMs = performance.now();
    if (timer === undefined) firstMs = nowMs;
    clearTimeout(timer);
    timer = setTimeout(tell, Math.max(0, Math.min(QUIET_MS, firstMs + WAIT_MS_MAX - nowMs))).unref();
  }

  function tell(): void {
    timer = undefined;
    onChange();
  }

  function end(folder: string): void {
    folders.get(folder)?.watcher.close();
    folders.delete(folder);
  }

  function fail(folder: string, error: unknown): void {
    end(folder);
    if (unwatched.has(folder)) return;
    unwatched.add(folder);
    onProblem(folder, error instanceof Error ? error.message : String(error));
  }

  function begin(folder: string): void {
    try {
      const { ino: inode } = statSync(folder);
      if (folders.get(folder)?.inode === inode) return;
      end(folder);
      const watcher = watch(folder, { persistent: false }, note);
      watcher.on('error', (error) => fail(folder, error));
      folders.set(folder, { watcher, inode });
      unwatched.delete(folder);
      note();
    } catch (error) {
      fail(folder, error);
    }
  }

  return {
    follow(files) {
      const wanted = foldersOf(files);
      for (const folder of folders.keys()) if (!wanted.has(folder)) end(folder);
      for (const folder of wanted) begin(folder);
    },
    close() {
      clearTimeout(timer);
      for (const folder of folders.keys()) end(folder);
    },
  };
}

function foldersOf(files: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const file of files) {
    found.add(dirname(file));
    try {
      found.add(dirname(realpathSync(file)));
    } catch {
      // There is no such file now; it may come.
    }
  }
  return found;
}
