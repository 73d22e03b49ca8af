// report.ts: what was measured, as medians of ratios and a Markdown table.

import type { Measure } from './measures.ts';

export class Report {
  readonly #reference: string;
  readonly #router: string;
  readonly #beside: string | undefined;
  readonly #judged: boolean;
  readonly #costs = new Map<Measure, Map<string, number[]>>();

  /** `beside`: measured too, but not compared with. */
  constructor(reference: string, router: string, beside: string | undefined, judged: boolean) {
    this.#reference = reference;
    this.#router = router;
    this.#beside = beside;
    this.#judged = judged;
  }

  note(measure: Measure, name: string, cost: number): void {
    let costs = this.#costs.get(measure);
    if (costs === undefined) this.#costs.set(measure, (costs = new Map()));
    const seen = costs.get(name);
    if (seen === undefined) costs.set(name, [cost]);
    else seen.push(cost);
  }

  lastRound(measure: Measure): string {
    return [...(this.#costs.get(measure) ?? [])].map(([name, costs]) => `${name} ${costs.at(-1)?.toFixed(1)} ${measure.unit}`).join(', ');
  }

  /** Whether the router costs more than it may, in any measure. */
  get missed(): boolean {
    return this.#judged && [...this.#costs.keys()].some((measure) => !this.#holds(measure));
  }

  table(): string {
    const beside = this.#beside === undefined ? [] : [this.#beside];
    const head = ['cost of one', this.#reference, this.#router, ...beside, 'ratio (min–max)', ...(this.#judged ? ['target', ''] : [])];
    const rows = [...this.#costs.keys()].map((measure) => [
      measure.name,
      ...[this.#reference, this.#router, ...beside].map((name) => `${median(this.#of(measure, name)).toFixed(1)} ${measure.unit}`),
      spread(this.#ratios(measure)),
      ...(this.#judged ? [wanted(measure), this.#holds(measure) ? 'holds' : 'MISSED'] : []),
    ]);
    return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  }

  #of(measure: Measure, name: string): readonly number[] {
    return this.#costs.get(measure)?.get(name) ?? [];
  }

  #ratios(measure: Measure): number[] {
    const reference = this.#of(measure, this.#reference);
    return this.#of(measure, this.#router).map((cost, i) => cost / reference[i]!);
  }

  #holds(measure: Measure): boolean {
    const { kind, max } = measure.target;
    if (kind === 'ratio') return median(this.#ratios(measure)) <= max;
    const reference = this.#of(measure, this.#reference);
    return median(this.#of(measure, this.#router).map((cost, i) => cost - reference[i]!)) <= max;
  }
}

function wanted({ target, unit }: Measure): string {
  return target.kind === 'ratio' ? `≤ ${target.max} ×` : `≤ + ${target.max} ${unit}`;
}

function spread(ratios: readonly number[]): string {
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
