// generate.ts: writes what is derived from the schema: the reference file, the JSON schema for editors, the key table of README.md.
// `node config/generate.ts` writes; with `--check` it only says whether something differs, by exit code 1.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchema } from '../src/config/json-schema.ts';
import { editorSchema } from './editor-schema.ts';
import { keyTable, reference } from './reference.ts';

const TABLE_BEGIN = '<!-- keys: made by generate.ts -->\n';
const TABLE_END = '<!-- end of keys -->\n';

/** Content of each generated file by its name in this folder. */
export function generate(): ReadonlyMap<string, string> {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const [before = '', rest = ''] = readme.split(TABLE_BEGIN);
  const [, after = ''] = rest.split(TABLE_END);
  return new Map([
    ['warmroute.schema.json', `${JSON.stringify(editorSchema(jsonSchema), undefined, 2)}\n`],
    ['reference.yaml', reference(jsonSchema)],
    ['README.md', `${before}${TABLE_BEGIN}\n${keyTable(jsonSchema)}\n${TABLE_END}${after}`],
  ]);
}

/** Names of the generated files that are not as the schema wants them. */
export function outdated(): string[] {
  return [...generate()].filter(([name, content]) => readIfThere(name) !== content).map(([name]) => name);
}

function readIfThere(name: string): string | undefined {
  try {
    return readFileSync(join(import.meta.dirname, name), 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const names = outdated();
  if (process.argv.includes('--check')) {
    for (const name of names) console.error(`config/${name} differs from the schema; run node config/generate.ts`);
    process.exitCode = names.length === 0 ? 0 : 1;
  } else {
    for (const [name, content] of generate()) writeFileSync(join(import.meta.dirname, name), content);
  }
}
