#!/usr/bin/env node
// main.ts: the process.

import { run } from './cli.ts';

process.exitCode = await run(process.argv.slice(2));
