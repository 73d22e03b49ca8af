// workload.ts: what a multi-round QA run does and when: users who come one after the other and each ask at their own fixed gap.

export interface Workload {
  /** Users there at a time. */
  readonly users: number;
  /** Questions of one user; at least 2. */
  readonly rounds: number;
  /** Requests a second over all users. */
  readonly qps: number;
  /** Tokens that all users' prompts share. */
  readonly systemPromptTokens: number;
  /** Tokens of each user's own context. */
  readonly userHistoryTokens: number;
  readonly answerTokensMax: number;
  /** Undefined runs until it is stopped. */
  readonly durationS: number | undefined;
  /** The first user is the one after this. */
  readonly userIdBefore: number;
}

export interface Gaps {
  /** Between two questions of one user. */
  readonly requestS: number;
  /** Between the arrivals of two users: so spread, `users` of them overlap. */
  readonly userS: number;
}

/** A user's place in the run. */
export interface Arrival {
  readonly userId: number;
  /** Of the first question that is asked, in seconds since the start. */
  readonly atS: number;
  /** Questions taken as asked before the run. */
  readonly roundsBefore: number;
}

export function gapsOf(workload: Workload): Gaps {
  const requestS = workload.users / workload.qps;
  return { requestS, userS: (requestS * (workload.rounds - 1)) / workload.users };
}

/**
 * The users who are there at the start, as if the run had been going on: the eldest has asked most of its questions already.
 *
 * What they asked before is in no cache and not in their prompts; only the rest of their rounds is played.
 */
export function usersAtStart(workload: Workload): Arrival[] {
  const { users, rounds, userIdBefore } = workload;
  const gaps = gapsOf(workload);
  return Array.from({ length: users }, (_, at) => {
    const thereS = (users - at) * gaps.userS;
    const roundsBefore = Math.floor(thereS / gaps.requestS) + 1;
    return { userId: userIdBefore + at + 1, atS: roundsBefore * gaps.requestS - thereS, roundsBefore };
  }).filter((arrival) => arrival.roundsBefore < rounds);
}

/** The user who comes as number `at` after the start, 0 at the start itself. */
export function laterUser(workload: Workload, at: number): Arrival {
  return { userId: workload.userIdBefore + workload.users + at + 1, atS: at * gapsOf(workload).userS, roundsBefore: 0 };
}
