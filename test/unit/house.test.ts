// house.test.ts: the checks that hold the house together fail when something forbidden is put in.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'tap';

const root = join(import.meta.dirname, '../..');

/** A file with something forbidden in it, and the rule that must see it. */
const FORBIDDEN: readonly (readonly [file: string, text: string, rule: string])[] = [
  ['src/core/a.ts', "import '../prompt/x.ts';", 'no-restricted-imports'],
  ['src/prompt/a.ts', "import 'node:fs';", 'no-restricted-imports'],
  ['src/prompt/b.ts', "import 'xxhash-addon';", 'no-restricted-imports'],
  ['src/prefix/a.ts', 'export const now = () => Date.now();', 'no-restricted-globals'],
  ['src/prefix/b.ts', "export { x } from '../balance/x.ts';", 'no-restricted-imports'],
  ['src/prefix/c.ts', 'export const later = () => setTimeout(() => {}, 1);', 'no-restricted-globals'],
  ['src/prefix/d.ts', 'export const now = () => globalThis.Date.now();', 'no-restricted-globals'],
  ['src/prefix/e.ts', 'export const now = () => global.Date.now();', 'no-restricted-globals'],
  ['src/prefix/f.ts', "import 'fs';", 'no-restricted-imports'],
  ['src/balance/a.ts', 'export const draw = () => Math.random();', 'no-restricted-properties'],
  ['src/balance/b.ts', "import { x } from '../prefix/x.ts';\nx();", 'no-restricted-imports'],
  ['src/pool/a.ts', "import '../dispatch/x.ts';", 'no-restricted-imports'],
  ['src/pool/b.ts', "import 'pino';", 'no-restricted-imports'],
  ['src/dispatch/a.ts', "import '../config/x.ts';", 'no-restricted-imports'],
  ['src/dispatch/b.ts', "import 'prom-client';", 'no-restricted-imports'],
  ['src/proxy/a.ts', "import type { X } from '../pool/x.ts';\nexport const x: X = 1;", 'no-restricted-imports'],
  ['src/proxy/b.ts', "import '../prefix/x.ts';", 'no-restricted-imports'],
  ['src/proxy/c.ts', "import '../balance/x.ts';", 'no-restricted-imports'],
  ['src/proxy/d.ts', "import '../dispatch/x.ts';", 'no-restricted-imports'],
  ['src/proxy/e.ts', "import '../server/x.ts';", 'no-restricted-imports'],
  ['src/proxy/f.ts', 'export const key = process.env.KEY;', 'no-restricted-properties'],
  ['src/proxy/g.ts', "import { env } from 'process';\nexport const key = env.KEY;", 'no-restricted-imports'],
  ['src/dispatch/c.ts', "import { env } from 'node:process';\nexport const key = env.KEY;", 'no-restricted-imports'],
  ['src/dispatch/d.ts', 'export const key = globalThis.process.env.KEY;', 'no-restricted-globals'],
  ['src/dispatch/e.ts', 'const { env } = process;\nexport const key = env.KEY;', 'no-restricted-properties'],
  ['src/dispatch/f.ts', "export const key = process['env'].KEY;", 'no-restricted-properties'],
  ['src/pool/c.ts', "import { env } from 'node:process';\nexport const key = env.KEY;", 'no-restricted-imports'],
  ['src/pool/d.ts', 'export const key = globalThis.process.env.KEY;', 'no-restricted-globals'],
  ['src/observe/b.ts', "import { env } from 'node:process';\nexport const key = env.KEY;", 'no-restricted-imports'],
  ['src/observe/c.ts', 'export const key = globalThis.process.env.KEY;', 'no-restricted-globals'],
  ['src/proxy/h.ts', 'export const key = globalThis.process.env.KEY;', 'no-restricted-globals'],
  ['src/server/f.ts', "import { env } from 'node:process';\nexport const key = env.KEY;", 'no-restricted-imports'],
  ['src/server/g.ts', 'export const key = globalThis.process.env.KEY;', 'no-restricted-globals'],
  ['src/server/a.ts', "import 'zod';", 'no-restricted-imports'],
  ['src/server/b.ts', "import 'yaml';", 'no-restricted-imports'],
  ['src/server/c.ts', "import '../../bench/x.ts';", 'no-restricted-imports'],
  ['src/server/d.ts', "import '../../test/x.ts';", 'no-restricted-imports'],
  ['src/observe/a.ts', "import '../config/x.ts';", 'no-restricted-imports'],
  ['bench/simulator/a.ts', "import '../../src/core/x.ts';", 'no-restricted-imports'],
  ['bench/simulator/b.ts', "import '../load/x.ts';", 'no-restricted-imports'],
  ['bench/simulator/http/a.ts', "import '../../load/x.ts';", 'no-restricted-imports'],
  ['bench/simulator/c.ts', "import 'undici';", 'no-restricted-imports'],
  ['src/core/cycle-a.ts', "import { b } from './cycle-b.ts';\nexport const a = () => b;", 'no-cycle'],
  ['src/core/cycle-b.ts', "import { a } from './cycle-a.ts';\nexport const b = () => a;", 'no-cycle'],
  ['src/core/barrel.ts', "export * from './c.ts';\nexport * from './d.ts';", 'no-barrel-file'],
  ['src/core/long.ts', `${'export {};\n'.repeat(301)}`, 'max-lines'],
  ['src/core/long-function.ts', `export function long(): number {\n  let n = 0;\n${'  n += 1;\n'.repeat(70)}  return n;\n}\n`, 'max-lines-per-function'],
];

/** Files that break no rule, so that a check which fails always is noticed. */
const ALLOWED: readonly (readonly [file: string, text: string])[] = [
  ['src/core/c.ts', 'export const c = 1;'],
  ['src/core/d.ts', 'export const d = 1;'],
  ['src/balance/c.ts', "import type { X } from '../prefix/x.ts';\nexport const x: X = 1;"],
  ['src/prefix/x.ts', 'export type X = number;'],
  ['src/prompt/hash.ts', "import { XXHash3 } from 'xxhash-addon';\nexport const hash = XXHash3;"],
  ['bench/simulator/http/b.ts', "import { createHash } from 'node:crypto';\nimport { d } from '../d.ts';\nexport const b = () => [createHash, d];"],
  ['bench/simulator/d.ts', 'export const d = 1;'],
  ['src/server/e.ts', "import fastify from 'fastify';\nexport const app = fastify();"],
];

interface Finding {
  readonly code: string;
  readonly filename: string;
}

function lint(folder: string): Promise<readonly Finding[]> {
  return new Promise((resolve, reject) => {
    // What the test runner preloads into every Node breaks the linter's own start, so it is unset behind the runner's back.
    const command = `unset NODE_OPTIONS; exec '${join(root, 'node_modules/.bin/oxlint')}' --format json`;
    execFile('/bin/sh', ['-c', command], { cwd: folder }, (_error, stdout, stderr) => {
      try {
        resolve((JSON.parse(stdout) as { diagnostics: Finding[] }).diagnostics);
      } catch {
        reject(new Error(`oxlint said: ${stdout}${stderr}`));
      }
    });
  });
}

test('each forbidden arrow, cycle, barrel and overlong file is an error of the lint', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'warmroute-house-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [file, text] of [...FORBIDDEN, ...ALLOWED]) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${text}\n`);
  }
  const findings = await lint(folder);
  const of = (file: string): string[] => findings.filter(({ filename }) => filename.endsWith(file)).map(({ code }) => code);
  for (const [file, text, rule] of FORBIDDEN) t.ok(of(file).some((code) => code.includes(rule)), `${file}: ${text.slice(0, 60)} → ${rule}`);
  for (const [file] of ALLOWED) t.same(of(file), [], `${file} breaks no rule`);
});

/** Whether a file does nothing but pass on what others export. */
function onlyReexports(text: string): boolean {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  const passed = /^\s*export\s+(type\s+)?(\*|\{[^}]*\})[^;]*;/gm;
  return passed.test(code) && code.replaceAll(passed, '').replaceAll(/^\s*import\s[^;]*;/gm, '').trim() === '';
}

test('no file only passes on what others export', async (t) => {
  const forbidden = ["export { p } from '../pool/p.ts';", "// p.ts\nexport type { P } from './p.ts';\nexport {\n  p,\n} from './p.ts';", "export * from './p.ts';", "import { p } from './p.ts';\nexport { p };"];
  for (const text of forbidden) t.ok(onlyReexports(`${text}\n`), text);
  const allowed = ["export { p } from './p.ts';\nexport const q = 1;", "import './p.ts';", "import { p } from './p.ts';\n/** So. */\nexport const q = p;\nexport { p };"];
  for (const text of allowed) t.notOk(onlyReexports(`${text}\n`), text);
  for (const folder of ['src', 'bench', 'test', 'config']) {
    const files = (await readdir(join(root, folder), { recursive: true })).filter((file) => file.endsWith('.ts'));
    for (const file of files) t.notOk(onlyReexports(await readFile(join(root, folder, file), 'utf8')), `${folder}/${file}`);
  }
});

test('no file of the source is named for what it is not', async (t) => {
  const files = await readdir(join(root, 'src'), { recursive: true });
  const bad = files.filter((file) => /^(utils?|helpers?|common|misc|index)\.ts$/.test(basename(file)));
  t.same(bad, []);
});

test('no folder of the source holds one file alone', async (t) => {
  const files = (await readdir(join(root, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts'));
  const counts = Map.groupBy(files, (file) => dirname(file));
  t.same([...counts].filter(([, inside]) => inside.length < 2).map(([folder]) => folder), []);
});
