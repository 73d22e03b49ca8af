// browser.ts: a real Chromium without a window, and what it complains of.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { chromium as driver, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import type { Test } from 'tap';

const UNPACKED = join(import.meta.dirname, '../../node_modules/.cache/chromium');
const INSTALLED = '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** In the locale of containers and services, where its language is `en-US@posix`, which its own Intl refuses. The one that comes with the development dependencies, else the system's; undefined, with a loud word why, when neither runs here. */
export async function startBrowser(): Promise<Browser | undefined> {
  const failures: string[] = [];
  for (const find of [unpacked, async () => INSTALLED]) {
    try {
      return await driver.launch({ executablePath: await find(), args: FLAGS, env: { ...process.env, LC_ALL: 'POSIX' } });
    } catch (error) {
      failures.push(String(error).split('\n')[0]!);
    }
  }
  process.stderr.write(`\nTHE PAGE IS NOT TESTED: no Chromium runs here.\n${failures.join('\n')}\nInstall one as ${INSTALLED}, or the libraries that the first one misses.\n\n`);
  return undefined;
}

/** It unpacks itself into the folder for temporary files, once: here it goes when node_modules goes. */
async function unpacked(): Promise<string> {
  await mkdir(UNPACKED, { recursive: true });
  process.env['TMPDIR'] = UNPACKED;
  try {
    const path = await chromium.executablePath();
    if (!existsSync(path)) throw new Error(`nothing was unpacked to ${path}`);
    return path;
  } finally {
    delete process.env['TMPDIR'];
  }
}

export interface OpenPage {
  readonly page: Page;
  /** What the console said in anger: errors of scripts, files that did not come, what the content security policy forbade. */
  readonly complaints: string[];
}

export async function openPage(t: Test, browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  t.teardown(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}
