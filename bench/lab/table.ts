// table.ts: the standings for a terminal.

import { type Row, summariesOf } from './standings.ts';

/** Mean TTFT of each workload as multiples of the best policy's, and what they come to. */
export function standingsTable(title: string, rows: readonly Row[]): string {
  const summaries = summariesOf(rows).toSorted((a, b) => a.geometricMean - b.geometricMean);
  const names = summaries.map(({ policy }) => policy);
  const lines = [
    ['', 'best s', ...names],
    ...rows.map(({ workload, best, standings }) => [workload, best.measures.ttftMeanS.toFixed(3), ...names.map((name) => ratioText(standings.get(name)!.ratio))]),
    ['geometric mean', '', ...summaries.map(({ geometricMean }) => ratioText(geometricMean))],
    ['worst', '', ...summaries.map(({ worst }) => ratioText(worst))],
    ['TTFT p99', '', ...summaries.map(({ ttftP99 }) => ratioText(ttftP99))],
    ['mean E2E', '', ...summaries.map(({ e2e }) => ratioText(e2e))],
    ['hit ratio', '', ...summaries.map(({ hitRatio }) => hitRatio.toFixed(3))],
    ['imbalance', '', ...summaries.map(({ imbalance }) => imbalance.toFixed(2))],
    ['prediction error', '', ...summaries.map(({ predictionError }) => percent(predictionError))],
  ];
  return [title, aligned(lines), ''].join('\n');
}

export function ratioText(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(3) : ratio < 100 ? ratio.toFixed(1) : ratio.toFixed(0);
}

/** A dash where nothing was predicted. */
export function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(100 * share).toFixed(2)} %`;
}

/** The first column to the left, the others to the right. */
function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ')).join('\n');
}
