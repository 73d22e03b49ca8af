// view.ts: what the demo shows of a moment, as lines of text. Pure but for the colours, which depend on the terminal.

import { styleText } from 'node:util';
import { minutes } from '../load/progress.ts';
import type { Round } from '../load/run.ts';
import { distributionOf, sum } from '../load/statistics.ts';

/** One endpoint as the admin listener tells it. */
export interface EndpointRow {
  readonly id: string;
  readonly available: boolean;
  readonly inFlight: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

/** What the clients of one port saw. */
export interface PortRow {
  readonly url: string;
  readonly policy: string;
  readonly rounds: readonly Round[];
  readonly failures: readonly string[];
}

export interface Moment {
  readonly elapsedS: number;
  readonly endpoints: readonly EndpointRow[];
  readonly prefix: PortRow;
  readonly baseline: PortRow;
}

export function tableLines({ elapsedS, endpoints, prefix, baseline }: Moment): string[] {
  const total = {
    inFlight: sum(endpoints.map((one) => one.inFlight)),
    promptTokens: sum(endpoints.map((one) => one.promptTokens)),
    cachedTokens: sum(endpoints.map((one) => one.cachedTokens)),
  };
  const endpointRows = endpoints.map((one) => [one.available ? one.id : `${one.id} (not available)`, ...loadCells(one)]);
  return [
    bold(`after ${minutes(elapsedS)}`),
    '',
    ...aligned(['endpoint', 'in flight', 'prompts', 'hit ratio', 'not recomputed'], [...endpointRows, ['all', ...loadCells(total)]]),
    '',
    ...aligned(['port', 'policy', 'answers', 'hit ratio', 'not recomputed', 'TTFT mean', 'TTFT p90'], [portCells(prefix), portCells(baseline)], [1]),
    '',
    verdict(prefix, baseline),
  ];
}

/** The same in one line, for a log. */
export function shortLine({ elapsedS, endpoints, prefix, baseline }: Moment): string {
  const port = (row: PortRow): string => {
    const [name, , answers, hitRatio, , ttft] = portCells(row);
    return `${name}: ${answers} answers, TTFT ${ttft}, hit ratio ${hitRatio}`;
  };
  return `${minutes(elapsedS)} · ${port(prefix)} · ${port(baseline)} · in flight ${endpoints.map((one) => one.inFlight).join(' + ')}`;
}

export function portOf(url: string): string {
  return new URL(url).port;
}

function loadCells({ inFlight, promptTokens, cachedTokens }: Omit<EndpointRow, 'id' | 'available'>): string[] {
  return [String(inFlight), tokens(promptTokens), percent(cachedTokens / promptTokens), tokens(cachedTokens)];
}

function portCells({ url, policy, rounds }: PortRow): string[] {
  const cachedTokens = sum(rounds.map((round) => round.cachedTokens));
  const { mean, p90 } = ttftOf(rounds);
  const hitRatio = percent(cachedTokens / sum(rounds.map((round) => round.promptTokens)));
  return [portOf(url), policy, String(rounds.length), hitRatio, tokens(cachedTokens), seconds(mean), seconds(p90)];
}

function verdict(prefix: PortRow, baseline: PortRow): string {
  const failed = prefix.failures.length + baseline.failures.length;
  if (failed > 0) return styleText('red', `${failed} requests failed, the last: ${[...baseline.failures, ...prefix.failures].at(-1)}`);
  const saved = 1 - ttftOf(prefix.rounds).mean / ttftOf(baseline.rounds).mean;
  if (Number.isNaN(saved)) return 'The first answers are on their way.';
  const [faster, slower] = saved >= 0 ? [prefix, baseline] : [baseline, prefix];
  const share = saved >= 0 ? saved : 1 - 1 / (1 - saved);
  return styleText(saved >= 0 ? 'green' : 'yellow', `The first token comes ${percent(share)} sooner on ${portOf(faster.url)} than on ${portOf(slower.url)}.`);
}

function ttftOf(rounds: readonly Round[]) {
  return distributionOf(rounds.map((round) => round.firstTokenS - round.launchedS));
}

/** Columns two spaces apart, numbers to the right; the first column is text, and those of `textColumns`. */
function aligned(header: readonly string[], rows: readonly (readonly string[])[], textColumns: readonly number[] = []): string[] {
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 || textColumns.includes(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('   ');
  return [dim(line(header)), ...rows.map(line)];
}

function tokens(count: number): string {
  return `${count.toLocaleString('en')} tokens`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : '–';
}

function seconds(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(3)} s` : '–';
}

function bold(text: string): string {
  return styleText('bold', text);
}

function dim(text: string): string {
  return styleText('dim', text);
}
