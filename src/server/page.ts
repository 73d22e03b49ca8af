// page.ts: the page for operators: its files, and the stream that it lives on.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { ASKS_FOR_TOKEN } from './admin-guard.ts';
import { registerStream } from './event-stream.ts';
import { pageTold, type PageOptions } from './page-told.ts';

const OURS = join(import.meta.dirname, 'page');
const UPLOT = fileURLToPath(new URL('.', import.meta.resolve('uplot')));

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

/** Everything that is served, and nothing else is. */
const FILES: readonly (readonly [path: string, folder: string, file: string, type: string])[] = [
  ['/', OURS, 'index.html', HTML],
  ['/page/icon.svg', OURS, 'icon.svg', 'image/svg+xml'],
  ['/page/page.css', OURS, 'page.css', CSS],
  ...['main.js', 'language.js', 'stream.js', 'words.js', 'dom.js', 'headline.js', 'endpoints.js', 'charts.js', 'history.js', 'choices.js', 'reasons.js', 'admin.js'].map((file) => [`/page/${file}`, OURS, file, SCRIPT] as const),
  ['/page/uplot.js', UPLOT, 'uPlot.esm.js', SCRIPT],
  ['/page/uplot.css', UPLOT, 'uPlot.min.css', CSS],
];

/** Endpoints choose their own names and models: whatever these hold, nothing but the page's own files runs, and nothing is sent elsewhere. */
const HEADERS = {
  'content-security-policy': "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** The files hold nothing of this router, so they need no token: the page asks for it, and shows it to the stream. */
export function registerPage(admin: FastifyInstance, options: PageOptions): void {
  for (const [path, folder, file, type] of FILES) {
    let bytes: Buffer | undefined;
    admin.get(path, { config: ASKS_FOR_TOKEN }, (_request, reply) => {
      bytes ??= readFileSync(join(folder, file));
      return reply.headers(HEADERS).type(type).send(bytes);
    });
  }

  registerStream(admin, '/page/stream', pageTold(options));
}
