// summary.ts: what a run came to, in the words and columns that people know from multi-round-qa.

import { styleText } from 'node:util';
import { sum } from '../load/statistics.ts';
import type { Round } from '../load/run.ts';

export interface SummaryOptions {
  /** As wanted, not as reached. */
  readonly qps: number;
  readonly inFlight: number;
  /** Seconds since 1970; rounds that ended outside are not counted. */
  readonly fromS: number;
  readonly toS: number;
}

export function ttftS(round: Round): number {
  return round.firstTokenS - round.launchedS;
}

/** Tokens a second of each answer after its first token, on average. */
export function meanGenerationSpeed(rounds: readonly Round[]): number {
  return sum(rounds.map((round) => round.answerTokens / (round.finishedS - round.firstTokenS))) / rounds.length;
}

export function summaryText(all: readonly Round[], { qps, inFlight, fromS, toS }: SummaryOptions): string {
  const rounds = all.filter(({ finishedS }) => finishedS >= fromS && finishedS <= toS);
  const perSecond = (total: number): string => (total / (toS - fromS)).toFixed(4);
  const line = (name: string, value: string): string => `  ${styleText('yellow', `${name}:`)} ${styleText('green', value)}\n`;
  return [
    '\n==================== Performance summary ======================',
    line('QPS', `${qps.toFixed(4)} reqs/s`),
    line('Processing speed', `${perSecond(rounds.length)} reqs/s`),
    line('Requests on-the-fly', String(inFlight)),
    line('Input tokens per second', `${perSecond(sum(rounds.map((round) => round.promptTokens)))} tokens/s`),
    line('Output tokens per second', `${perSecond(sum(rounds.map((round) => round.answerTokens)))} tokens/s`),
    line('Average generation throughput (per request)', `${meanGenerationSpeed(rounds).toFixed(4)} tokens/req/s`),
    line('Average TTFT', `${(sum(rounds.map(ttftS)) / rounds.length).toFixed(4)}s`),
    `Time range: ${fromS} - ${toS} (${(toS - fromS).toFixed(2)}s)`,
    '===============================================================\n\n',
  ].join('\n');
}

/** One line a round; the last column is this project's own. */
export function csvOf(rounds: readonly Round[]): string {
  const header = 'prompt_tokens,generation_tokens,ttft,generation_time,user_id,question_id,launch_time,finish_time,cached_tokens';
  const lines = rounds.map((round) =>
    [
      round.promptTokens,
      round.answerTokens,
      ttftS(round),
      round.finishedS - round.firstTokenS,
      round.userId,
      round.questionId,
      round.launchedS,
      round.finishedS,
      round.cachedTokens,
    ].join(','),
  );
  return `${[header, ...lines].join('\n')}\n`;
}
