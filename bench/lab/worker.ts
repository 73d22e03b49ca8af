// worker.ts: a process that performs one job after the other.

import { type Job, perform } from './job.ts';

const [, , tracesDir = ''] = process.argv;

process.on('message', (job: Job) => process.send?.(perform(job, tracesDir)));
