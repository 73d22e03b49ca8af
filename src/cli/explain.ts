// explain.ts: the command that asks a running router where a request would go, and why.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { complain, EXIT_FAILED, messageOf, misuse, say, styled, table } from './terminal.ts';

export const EXPLAIN_USAGE = `warmroute explain --file BODY.json [--listener NAME] [--surface NAME] [--tenant NAME] [--admin URL] [--token TOKEN] [--json]

Asks a running router where a request would go now, and why. Nothing is sent to an endpoint, counted or remembered.

  --file FILE       the request's body as a client would send it; - reads standard input
  --listener NAME   the listener it would come in by; the first one when left out
  --surface NAME    chat (when left out), completions, responses or messages
  --tenant NAME     whose request it is, where tenants are kept apart
  --admin URL       the router's admin listener; http://127.0.0.1:9901 when left out
  --token TOKEN     the admin token, where one is configured
  --json            for programs: the answer of POST /explain

Exit codes: 0 answered, 1 the router cannot be asked or does not take the request, 2 wrong use.
`;

const OPTIONS = {
  file: { type: 'string' },
  listener: { type: 'string' },
  surface: { type: 'string' },
  tenant: { type: 'string' },
  admin: { type: 'string', default: 'http://127.0.0.1:9901' },
  token: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const TIMEOUT_MS = 30_000;
const STANDARD_INPUT = 0;

/** What POST /explain says. */
interface Answer {
  readonly decision: 'chosen' | 'waits' | 'refused';
  readonly listener: string;
  readonly policy?: string;
  readonly model: string;
  readonly prompt_bytes: number;
  readonly prompt_tokens: number;
  readonly blocks: number;
  readonly endpoint: string | null;
  readonly runner_up: string | null;
  readonly sentence: string;
  readonly candidates: readonly Candidate[];
}

interface Candidate {
  readonly endpoint: string;
  readonly available: boolean;
  readonly because: string;
  readonly matched_tokens: number;
  readonly match_ratio: number;
  readonly uncached_tokens: number;
  readonly queued_tokens: number;
  readonly pressure: number;
  readonly overfull_tokens: number;
  readonly in_flight: number;
  readonly cost: number | null;
}

export async function explain(args: readonly string[]): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS }));
  } catch (error) {
    return misuse(messageOf(error), EXPLAIN_USAGE);
  }
  const { file, listener, surface, tenant, admin, token, json } = values;
  if (file === undefined) return misuse('explain takes the body of a request: --file BODY.json', EXPLAIN_USAGE);
  if (!isHttp(admin)) return misuse(`--admin is ${JSON.stringify(admin)}, wanted a URL such as http://127.0.0.1:9901`, EXPLAIN_USAGE);
  const url = new URL('/explain', admin);
  if (listener !== undefined) url.searchParams.set('listener', listener);
  if (surface !== undefined) url.searchParams.set('surface', surface);
  if (tenant !== undefined) url.searchParams.set('tenant', tenant);
  let body;
  try {
    body = readFileSync(file === '-' ? STANDARD_INPUT : file);
  } catch (error) {
    complain(`${file} cannot be read: ${messageOf(error)}`);
    return EXIT_FAILED;
  }
  try {
    const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return tell(answer.status, await answer.text(), json);
  } catch (error) {
    complain(`no router answers at ${admin}: ${messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error)}. Is --admin its admin listener?`);
    return EXIT_FAILED;
  }
}

/** `localhost:9901` parses too, as a URL of the scheme `localhost`. */
function isHttp(url: string): boolean {
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}

function tell(status: number, text: string, json: boolean): number {
  if (status !== 200) {
    complain(`the router says ${status}: ${errorIn(text)}`);
    return EXIT_FAILED;
  }
  say(json ? text : report(JSON.parse(text) as Answer));
  return 0;
}

function errorIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : text;
  } catch {
    return text;
  }
}

function report(answer: Answer): string {
  const { decision, listener, policy, model, blocks, prompt_tokens: tokens, prompt_bytes: bytes, candidates, endpoint, runner_up: next, sentence } = answer;
  const size = tokens === 0 ? `${bytes.toLocaleString('en-US')} bytes` : `${tokens.toLocaleString('en-US')} tokens`;
  const head = `listener ${listener}${policy === undefined ? '' : ` (${policy})`}, model ${model === '' ? '(none)' : model}, ${size} in ${blocks} blocks`;
  const lines = table([
    ['endpoint', 'matched', 'ratio', 'uncached', 'queued', 'pressure', 'overfull', 'in-flight', 'cost', ''],
    ...candidates.map((each) => row(each, each.endpoint === endpoint ? 'chosen' : each.endpoint === next ? 'runner-up' : '')),
  ]);
  const [titles = '', ...rows] = lines;
  const shown = rows.map((line, i) => (candidates[i]?.endpoint === endpoint ? styled('green', line) : candidates[i]?.available === false ? styled('dim', line) : line));
  const verdict = decision === 'chosen' ? sentence : `${decision}: ${sentence}`;
  return [head, ...(candidates.length === 0 ? [] : ['', styled('bold', titles), ...shown]), '', styled(decision === 'chosen' ? 'bold' : 'yellow', verdict)].join('\n');
}

function row(each: Candidate, mark: string): string[] {
  if (!each.available) return [each.endpoint, '-', '-', '-', '-', '-', '-', '-', '-', each.because];
  const { endpoint, matched_tokens: matched, match_ratio: ratio, uncached_tokens: uncached, queued_tokens: queued, pressure, overfull_tokens: overfull, in_flight: inFlight, cost } = each;
  const numbers = [matched, ratio.toFixed(2), uncached, queued, pressure.toFixed(2), overfull, inFlight, cost ?? '-'];
  return [endpoint, ...numbers.map((value) => (typeof value === 'number' ? value.toLocaleString('en-US') : value)), mark];
}
