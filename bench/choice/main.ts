// main.ts: what a choice costs, from the body's bytes to the endpoint, and how exact blocks are. Ends with 1 when a target is missed.

import { parseArgs } from 'node:util';
import { seededRandom, type Random } from '../../src/core/random.ts';
import { createPromptReader, type PromptReader } from '../../src/prompt/read.ts';
import { createFleet, ENDPOINTS, type Fleet } from './fleet.ts';
import { granularityErrors } from './granularity.ts';
import { chatBody, diverged, prompt, type Shape } from './prompts.ts';

const HELP = `usage: node bench/choice/main.ts [options]

Median time from body bytes to a chosen endpoint (${ENDPOINTS} endpoints, full prefix indexes), and the error that comes of comparing blocks.

  --requests N       measured for each size and shape (300)
  --conversations N  of 128 KB recorded for each endpoint beforehand; 125 fill it (150)
  --pairs N          prompts compared for each size and shape (200)
  --seed N           (1)
  --help
`;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '300' },
    conversations: { type: 'string', default: '150' },
    pairs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const SHAPES: readonly Shape[] = ['document', 'conversation'];
const KB = 1_024;
const TIMED = [
  { bytes: 16 * KB, totalUs: 250 },
  { bytes: 128 * KB, totalUs: 1_000 },
];
const CHOICE_US = 100;
const COMPARED_BYTES = [4, 8, 16, 64, 128].map((size) => size * KB);
const ERROR_MEAN = 0.01;
/** Prompts that are known beforehand, for each size and shape. */
const KNOWN = 20;

interface Timing {
  readonly readUs: number[];
  readonly choiceUs: number[];
  /** Of other requests: what the choice, and recording the prompt at the endpoint, take together. */
  readonly recordUs: number[];
  /** With the recording. */
  readonly totalUs: number[];
}

/** Times requests of which each shares a random part with a known one; every second one is recorded. */
function time(reader: PromptReader, fleet: Fleet, random: Random, shape: Shape, bytes: number, requests: number): Timing {
  const known = Array.from({ length: KNOWN }, () => prompt(random, shape, bytes));
  for (const turns of known) fleet.complete(fleet.assign(reader.read('chat', chatBody(turns)), 'recording'));
  const timing: Timing = { readUs: [], choiceUs: [], recordUs: [], totalUs: [] };
  for (let i = 0; i < 2 * requests; i += 1) {
    const body = chatBody(diverged(random, known[i % KNOWN]!).turns);
    const isRecorded = i % 2 === 1;
    const beganMs = performance.now();
    const facts = reader.read('chat', body);
    const readMs = performance.now();
    const assignment = fleet.assign(facts, isRecorded ? 'recording' : 'choosing');
    const chosenMs = performance.now();
    fleet.complete(assignment);
    timing.readUs.push(1_000 * (readMs - beganMs));
    (isRecorded ? timing.recordUs : timing.choiceUs).push(1_000 * (chosenMs - readMs));
    if (isRecorded) timing.totalUs.push(1_000 * (chosenMs - beganMs));
  }
  return timing;
}

function quantile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(share * numbers.length)] ?? Number.NaN;
}

let missed = 0;

function verdict(isMet: boolean): string {
  if (!isMet) missed += 1;
  return isMet ? 'met' : 'MISSED';
}

function reportTimes(reader: PromptReader, random: Random): void {
  const requests = Number(values.requests);
  console.log(`recording ${values.conversations} conversations of 128 KB for each of ${ENDPOINTS} endpoints ...`);
  const fleet = createFleet(random, Number(values.conversations));
  console.log(`prefix indexes take ${Math.round(fleet.indexBytes() / 1e6)} MB; timing ${requests} requests a row ...\n`);
  for (const shape of SHAPES) time(reader, fleet, random, shape, 16 * KB, 300);
  console.log('µs, median (90th percentile)      read           match + choice + record       total          target');
  for (const { bytes, totalUs } of TIMED) {
    for (const shape of SHAPES) {
      const timing = time(reader, fleet, random, shape, bytes, requests);
      const cells = [timing.readUs, timing.choiceUs, timing.recordUs, timing.totalUs].map((all) => `${quantile(all, 0.5).toFixed(0)} (${quantile(all, 0.9).toFixed(0)})`.padEnd(15));
      const isMet = quantile(timing.totalUs, 0.5) <= totalUs && quantile(timing.choiceUs, 0.5) <= CHOICE_US;
      console.log(`${`${bytes / KB} KB ${shape}`.padEnd(34)}${cells.join('')}${totalUs}, choice ${CHOICE_US}: ${verdict(isMet)}`);
    }
  }
}

function reportErrors(reader: PromptReader, random: Random): void {
  console.log(`\nerror of the matched part, share of the prompt (mean of ${values.pairs} pairs that part inside a message)`);
  for (const bytes of COMPARED_BYTES) {
    for (const shape of SHAPES) {
      const errors = granularityErrors(reader, random, shape, bytes, Number(values.pairs));
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      const cells = `mean ${(100 * mean).toFixed(2)} %  worst ${(100 * Math.max(...errors)).toFixed(2)} %`;
      console.log(`${`${bytes / KB} KB ${shape}`.padEnd(34)}${cells.padEnd(32)}target ${100 * ERROR_MEAN} %: ${verdict(mean <= ERROR_MEAN)}`);
    }
  }
}

if (values.help) {
  console.log(HELP);
} else {
  const random = seededRandom(Number(values.seed));
  const reader = createPromptReader({ secret: new Uint8Array(32).fill(7) });
  reportTimes(reader, random);
  reportErrors(reader, random);
  console.log(missed === 0 ? '\nall targets met' : `\n${missed} targets missed`);
  process.exitCode = missed === 0 ? 0 : 1;
}
