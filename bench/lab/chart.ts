// chart.ts: two kinds of picture, as SVG that a page can hold.

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** A tick beyond the bar's end. */
  readonly mark: number;
  readonly isOwn: boolean;
}

const LABEL_WIDTH = 150;
const PLOT_WIDTH = 620;
const ROW_HEIGHT = 24;
/** Beyond this the axis would show nothing of the differences that matter. */
const VALUE_MAX = 1000;

/** Horizontal bars from 1 on a logarithmic axis. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const top = Math.min(VALUE_MAX, Math.max(2, ...bars.map(({ mark }) => mark)));
  const x = (value: number): number => LABEL_WIDTH + (PLOT_WIDTH * Math.log(Math.min(Math.max(value, 1), top))) / Math.log(top);
  const height = ROW_HEIGHT * (bars.length + 2);
  const grid = [1, 1.2, 1.5, 2, 5, 10, 100, 1000].filter((value) => value <= top).map((value) => {
    const at = x(value).toFixed(1);
    return `<line x1="${at}" y1="${ROW_HEIGHT}" x2="${at}" y2="${height - ROW_HEIGHT}" stroke="var(--line)"/><text x="${at}" y="${height - 8}" text-anchor="middle">${value}</text>`;
  });
  const rows = bars.map(({ label, value, mark, isOwn }, at) => {
    const y = ROW_HEIGHT * (at + 1);
    const colour = isOwn ? 'var(--own)' : 'var(--bar)';
    const width = Math.max(1, x(value) - LABEL_WIDTH).toFixed(1);
    return `<text x="${LABEL_WIDTH - 8}" y="${y + 16}" text-anchor="end">${label}</text><rect x="${LABEL_WIDTH}" y="${y + 4}" width="${width}" height="${ROW_HEIGHT - 8}" fill="${colour}"/><line x1="${x(mark).toFixed(1)}" y1="${y + 2}" x2="${x(mark).toFixed(1)}" y2="${y + ROW_HEIGHT - 2}" stroke="${colour}" stroke-width="3"/><title>${label}: ${value.toFixed(3)}, worst ${mark.toFixed(3)}</title>`;
  });
  const width = LABEL_WIDTH + PLOT_WIDTH + 30;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${title}"><text x="0" y="14">${title}</text>${grid.join('')}${rows.map((row) => `<g>${row}</g>`).join('')}</svg>`;
}

const NAME_WIDTH = 320;
const CELL_WIDTH = 72;

/** A number in each cell, and the more colour the larger: none at 1, all at 10 and above. */
export function heatMap(columns: readonly string[], rows: readonly { readonly label: string; readonly values: readonly number[] }[]): string {
  const head = 120;
  const heads = columns.map((name, at) => {
    const x = NAME_WIDTH + CELL_WIDTH * (at + 0.5);
    return `<text transform="translate(${x} ${head - 8}) rotate(-40)">${name}</text>`;
  });
  const lines = rows.map(({ label, values }, row) => {
    const y = head + ROW_HEIGHT * row;
    const cells = values.map((value, at) => {
      const share = Math.min(1, Math.log10(Math.max(1, value)));
      const x = NAME_WIDTH + CELL_WIDTH * at;
      const text = value < 10 ? value.toFixed(2) : value.toFixed(0);
      return `<rect x="${x}" y="${y}" width="${CELL_WIDTH - 2}" height="${ROW_HEIGHT - 2}" fill="rgb(var(--heat) / ${share.toFixed(2)})"/><text x="${x + CELL_WIDTH / 2}" y="${y + 16}" text-anchor="middle">${text}</text>`;
    });
    return `<text x="0" y="${y + 16}">${label}</text>${cells.join('')}`;
  });
  const width = NAME_WIDTH + CELL_WIDTH * columns.length + 60;
  const height = head + ROW_HEIGHT * rows.length + 8;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="ratios">${heads.join('')}${lines.join('')}</svg>`;
}
