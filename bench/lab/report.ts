// report.ts: the comparison as one page that needs nothing else.

import { barChart, heatMap } from './chart.ts';
import type { Result } from './job.ts';
import { disturbedOf } from './situations.ts';
import { type Row, type Summary, summariesOf } from './standings.ts';
import { percent, ratioText } from './table.ts';
import type { Verdict } from './verdicts.ts';

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #667; --ground: #fff; --line: #d8dce2; --own: #0b7a55; --bar: #8fa3b8; --heat: 214 80 40; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa3b0; --ground: #14181f; --line: #333a45; --own: #3ecf9a; --bar: #5d7188; --heat: 240 110 70; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 3rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } td, th { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; } .own { color: var(--own); font-weight: 600; } .note { color: var(--soft); }
.wide { overflow-x: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }`;

const HOW = `Time is virtual: the engines are a model of vLLM's scheduler and block pool, the router is the shipped decision code, and the other routers' rules
are written from their sources. The same seed gives the same page. A ratio is a policy's mean time to first token divided by that of the best policy of the
same workload, so 1 is the best there was.`;

export function reportPage(sections: readonly Section[], results: readonly Result[], verdicts: readonly Verdict[]): string {
  const seeds = [...new Set(results.map(({ seed }) => seed))].join(', ');
  const all = sections.flatMap(({ rows }) => rows);
  const hasSituations = results.some(({ situation }) => situation !== 'plain');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>warmroute: policies in the lab</title><style>${STYLE}</style></head><body>
<h1>Policies in the lab</h1>
<p>${HOW}</p>
<p class="note">Seeds: ${escaped(seeds)}. ${all.length} workloads.</p>
<h2>Targets</h2>
<div class="wide">${targets(verdicts)}</div>
<h2>All workloads</h2>
${overview(all)}
${sections.map(({ title, rows }) => `<h2>${escaped(title)}</h2>\n${overview(rows)}\n${detail(rows)}`).join('\n')}
${hasSituations ? disturbances(results) : ''}
</body></html>
`;
}

function targets(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ what, figure, wanted, reached }) => [what, figure, wanted, reached ? 'reached' : 'missed']);
  return tableOf(['prefix-cost, mean TTFT where nothing else is said', 'measured', 'wanted', ''], lines, () => false);
}

function overview(rows: readonly Row[]): string {
  const summaries = summariesOf(rows).toSorted((a, b) => a.geometricMean - b.geometricMean);
  const bars = summaries.map(({ policy, geometricMean, worst }) => ({ label: policy, value: geometricMean, mark: worst, isOwn: policy === 'prefix-cost' }));
  return `<div class="wide">${barChart('Geometric mean of the ratios; the mark is the worst workload', bars)}</div>
<div class="wide">${summaryTable(summaries)}</div>`;
}

function summaryTable(summaries: readonly Summary[]): string {
  const head = ['policy', 'geometric mean', 'worst', 'where', 'TTFT p99', 'mean E2E', 'hit ratio', 'max ÷ mean in flight', 'prediction error'];
  const lines = summaries.map((each) => [
    each.policy, ratioText(each.geometricMean), ratioText(each.worst), each.worstAt, ratioText(each.ttftP99), ratioText(each.e2e), each.hitRatio.toFixed(3), each.imbalance.toFixed(2),
    percent(each.predictionError),
  ]);
  return tableOf(head, lines, (line) => line[0] === 'prefix-cost');
}

/** Every workload under every policy: ratios as colours, seconds beside them. */
function detail(rows: readonly Row[]): string {
  const names = summariesOf(rows).toSorted((a, b) => a.geometricMean - b.geometricMean).map(({ policy }) => policy);
  const cells = rows.map(({ workload, best, standings }) => ({
    label: `${workload} · ${best.measures.ttftMeanS.toFixed(3)} s`,
    values: names.map((name) => standings.get(name)!.ratio),
  }));
  return `<h3>Each workload: the best mean TTFT in seconds, and everybody's ratio to it</h3><div class="wide">${heatMap(names, cells)}</div>`;
}

function disturbances(results: readonly Result[]): string {
  const head = ['situation', 'mean TTFT ÷ undisturbed', 'worst workload', '÷ least-request in the same situation', 'prediction error', 'from request 2,001 on, worst'];
  const lines = disturbedOf(results).map((each) => [each.situation, each.ratio.toFixed(3), each.worst.toFixed(3), each.besideLeastRequest.toFixed(3), percent(each.predictionError), percent(each.settledError)]);
  return `<h2>prefix-cost when things are not as it was told</h2><div class="wide">${tableOf(head, lines, () => false)}</div>`;
}

function tableOf(head: readonly string[], lines: readonly (readonly string[])[], isOwn: (line: readonly string[]) => boolean): string {
  const body = lines.map((line) => `<tr${isOwn(line) ? ' class="own"' : ''}>${line.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`);
  return `<table><thead><tr>${head.map((cell) => `<th>${escaped(cell)}</th>`).join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
