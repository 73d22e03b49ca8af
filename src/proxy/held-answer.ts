// held-answer.ts: what an endpoint said, kept until it is known whether the client gets it.

/** An answer as it came, but for what `headers.ts` takes out. */
export interface HeldAnswer {
  readonly status: number;
  readonly statusMessage: string | undefined;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What an error answer says in words; undefined where it says nothing that can be read. */
export function messageOf({ body }: HeldAnswer): string | undefined {
  try {
    const said = JSON.parse(body.toString('utf8')) as { readonly error?: { readonly message?: unknown } | null } | null;
    return typeof said?.error?.message === 'string' ? said.error.message : undefined;
  } catch {
    return undefined;
  }
}
