// identity.ts: who sends a request, once that is known.

export interface Identity {
  /** The configured name of the client whose key it showed; empty where no keys are configured. */
  readonly client: string;
  /** Whose prompts may share a cache; empty where everybody's may. */
  readonly tenant: string;
}

/** Where no keys are configured, everybody is one. */
export const ANYBODY: Identity = { client: '', tenant: '' };
