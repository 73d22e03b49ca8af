// result.ts: what a situation came to, beside what it had to.

import type { Sent } from './load.ts';
import type { Verdict } from './judge.ts';
import type { Machine } from '../load/machine.ts';
import { percent, tableOf } from '../load/table.ts';

/** One figure with its target. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  readonly target: string;
  readonly met: boolean;
}

export interface Result {
  readonly sent: readonly Sent[];
  readonly leftAlive: number;
  readonly figures: readonly Figure[];
}

/** A situation that was played, and whether the machine had time for it. */
export interface Played {
  readonly name: string;
  readonly result: Result;
  readonly machine: Machine;
}

const HEADER = ['situation', 'sent', 'answered', 'clean errors', 'told', 'lost', 'silent', 'hung', 'mixed', 'left alive', 'busy', 'late p99', 'figure (target)', ''];
const EVIDENCE_MAX = 5;

/** What must never be, whatever happens. */
const NEVER: readonly Verdict[] = ['lost', 'silent', 'hung', 'mixed'];

export function count(sent: readonly Sent[], verdict: Verdict): number {
  return sent.filter((each) => each.verdict === verdict).length;
}

/** `most` is the target: at most so many. */
export function atMost(what: string, value: number, most: number, unit = ''): Figure {
  return { what, value: `${Number.isInteger(value) ? value : value.toFixed(2)}${unit}`, target: `${most === 0 ? '' : '≤ '}${most}${unit}`, met: value <= most };
}

export function isMet({ sent, leftAlive, figures }: Result): boolean {
  return sent.length > 0 && leftAlive === 0 && NEVER.every((verdict) => count(sent, verdict) === 0) && figures.every(({ met }) => met);
}

export function tableOfResults(played: readonly Played[]): string {
  const rows = played.map(({ name, result, machine }) => {
    const { sent, leftAlive, figures } = result;
    const verdicts = (['answered', 'refused', 'told', 'lost', 'silent', 'hung', 'mixed'] as const).map((verdict) => String(count(sent, verdict)));
    const told = figures.map(({ what, value, target }) => `${what} ${value} (${target})`).join(' · ');
    return [name, String(sent.length), ...verdicts, String(leftAlive), percent(machine.busyShare, 0), `${machine.loopDelayP99Ms.toFixed(0)} ms`, told, isMet(result) ? 'met' : 'MISSED'];
  });
  return tableOf(HEADER, rows);
}

/** Some of what should not have been seen, as it was seen. */
export function evidenceOf({ sent }: Result): readonly string[] {
  return sent
    .filter(({ verdict }) => verdict !== 'answered')
    .toSorted((a, b) => Number(NEVER.includes(b.verdict)) - Number(NEVER.includes(a.verdict)))
    .slice(0, EVIDENCE_MAX)
    .map(({ verdict, id, sentMs, endedMs, evidence }) => `${verdict} ${id} after ${Math.round(endedMs - sentMs)} ms: ${evidence.replaceAll('\n', ' ')}`);
}
