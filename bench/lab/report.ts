// report.ts: the comparison as one page that needs nothing else.

import type { Result } from './job.ts';
import type { Row } from './standings.ts';

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

export function reportPage(sections: readonly Section[], results: readonly Result[]): string {
  return `<!doctype html><title>lab</title><p>${sections.length} ${results.length}`;
}
