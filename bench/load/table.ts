// table.ts: Markdown that is aligned as text too.

/** The first `leftColumns` columns are aligned left, the others right. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[], leftColumns = 1): string {
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const align = (cell: string, at: number): string => (at < leftColumns ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0));
  const rule = widths.map((width, at) => (at < leftColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [header.map(align), rule, ...rows.map((row) => row.map(align))].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}
