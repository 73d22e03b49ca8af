// terminal.ts: what the commands write, and where.

import { styleText } from 'node:util';

export const EXIT_FAILED = 1;
export const EXIT_MISUSE = 2;

type Style = 'green' | 'yellow' | 'red' | 'bold' | 'dim';

/** Plain where standard output is no terminal, or NO_COLOR is set. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function say(text: string): void {
  write(process.stdout, text);
}

export function complain(text: string): void {
  write(process.stderr, text);
}

function write(stream: NodeJS.WriteStream, text: string): void {
  if (!stream.listeners('error').includes(unlessClosed)) stream.on('error', unlessClosed);
  stream.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Who reads may have had enough, as `head` has: no failure of ours. */
function unlessClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** Says what is wrong with the command, and how it is used. Gives the exit code. */
export function misuse(message: string, usage: string): number {
  complain(`${message}\n\n${usage}`);
  return EXIT_MISUSE;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Columns beside each other: the first to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? [];
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ').trimEnd());
}
