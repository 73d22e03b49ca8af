// admin-config.ts: which configuration holds, and what came of asking for another one, as JSON. Never what is in it.

/** What came of a reload. */
export type ReloadResult =
  | { readonly result: 'ok' }
  /** The configuration before it stays. Each problem says what is wrong and where. */
  | { readonly result: 'failed'; readonly problems: readonly string[] }
  /** Nothing was tried. */
  | { readonly result: 'refused'; readonly why: string };

/** At one moment. Times are wall-clock times, for people. */
export interface ConfigStatus {
  readonly loadedAt: Date;
  /** The path of the file, or the name of the environment variable that stands for one. */
  readonly source: string;
  /** Undefined: there was none. */
  readonly lastReload: ({ readonly at: Date } & Exclude<ReloadResult, { result: 'refused' }>) | undefined;
}

export function configAnswer({ loadedAt, source, lastReload }: ConfigStatus) {
  return {
    loaded_at: loadedAt.toISOString(),
    source,
    last_reload: lastReload === undefined ? null : { at: lastReload.at.toISOString(), ...reloadAnswer(lastReload).body },
  };
}

export function reloadAnswer(result: ReloadResult) {
  switch (result.result) {
    case 'ok':
      return { status: 200, body: { result: 'ok', problems: [] } };
    case 'failed':
      return { status: 422, body: { result: 'failed', problems: result.problems } };
    case 'refused':
      return { status: 409, body: { result: 'refused', problems: [result.why] } };
  }
}
