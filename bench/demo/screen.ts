// screen.ts: shows a moment after the other: on a terminal in the same place, elsewhere as a line now and then.

import { shortLine, tableLines, type Moment } from './view.ts';

export interface Screen {
  show(moment: Moment): void;
  /** Leaves the whole table standing as the last thing shown. */
  showLast(moment: Moment): void;
}

const LINE_INTERVAL_S = 5;

export function createScreen(out: NodeJS.WriteStream): Screen {
  let height = 0;
  let nextLineS = LINE_INTERVAL_S;
  const redraw = (moment: Moment): void => {
    const lines = tableLines(moment);
    // Up to where the last one began; each line clears what the last one left of it. Cut at the edge: a line that wraps would count as two.
    const up = height === 0 ? '' : `\u001b[${height}A`;
    out.write(`${up}\r\u001b[?7l${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J\u001b[?7h`);
    height = lines.length;
  };
  if (out.isTTY) return { show: redraw, showLast: redraw };
  return {
    show(moment) {
      if (moment.elapsedS < nextLineS) return;
      nextLineS += LINE_INTERVAL_S;
      out.write(`${shortLine(moment)}\n`);
    },
    showLast: (moment) => void out.write(`\n${tableLines(moment).join('\n')}\n`),
  };
}
