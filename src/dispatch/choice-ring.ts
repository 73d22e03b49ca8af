// choice-ring.ts: the reasons of the last choices, kept as numbers. Whoever reads pays for the words.

import type { Choice, Choices, Considered } from '../core/choice.ts';
import type { Ask, Outcome } from '../core/dispatcher.ts';
import type { PolicyName } from '../core/policy-name.ts';
import { type Candidate, runnerUp } from '../balance/policy.ts';
import { unavailableBecause } from '../pool/availability.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import type { View } from './ask-view.ts';
import { KeptTexts } from './kept-texts.ts';
import type { Placed } from './placement.ts';
import { sentence } from './sentence.ts';

/** Everything that is kept of a choice. Slots and their rows are used again: after the first round a choice allocates nothing here. */
interface Slot {
  seq: number;
  atMs: number;
  listener: string;
  policy: PolicyName;
  matchRatioMin: number;
  model: string;
  promptTokens: number;
  blocks: number;
  predictedCachedTokens: number;
  /** The pool at that moment: an array that never changes. */
  among: readonly Endpoint[];
  /** Position of the chosen one in it. */
  chosen: number;
  rowCount: number;
  rows: Float32Array;
  outcome: Choice['outcome'];
  firstTokenMs: number;
  endMs: number;
  /** -1 when the engine did not say. */
  reportedCachedTokens: number;
}

/** A row: position of the endpoint, why it was not available, and the numbers of its view. */
const POSITION = 0;
const BECAUSE = 1;
const HELD = 2;
const RATIO = 3;
const UNCACHED = 4;
const INSERTED = 5;
const QUEUED = 6;
const PRESSURE = 7;
const IN_FLIGHT = 8;
const COST = 9;
const OVERFULL = 10;
const ROW = 11;

const REASONS = ['', 'unhealthy', 'ejected', 'trial', 'asleep', 'paused', 'draining', 'model', 'full', 'tried', 'elsewhere', 'tenant'] as const;
type Reason = (typeof REASONS)[number];

const CHOICES = 1024;
const ROWS_MAX = 256;
const REQUEST_ID_CHARACTERS = 128;
const TRACE_ID_CHARACTERS = 32;
const NEVER = -1;
const NO_ROWS = new Float32Array(0);
const NOBODY: readonly Endpoint[] = [];

export class ChoiceRing implements Choices {
  readonly #slots: readonly Slot[];
  readonly #rowsMax: number;
  readonly #requests: KeptTexts;
  readonly #traces: KeptTexts;
  #latest = 0;

  /** At most 44 bytes for each endpoint of each choice: 11.5 MB when they are 256 and more. */
  constructor(choices = CHOICES, rowsMax = ROWS_MAX) {
    this.#slots = Array.from({ length: choices }, emptySlot);
    this.#rowsMax = rowsMax;
    this.#requests = new KeptTexts(choices, REQUEST_ID_CHARACTERS);
    this.#traces = new KeptTexts(choices, TRACE_ID_CHARACTERS);
  }

  get latest(): number {
    return this.#latest;
  }

  /** Before the lease is taken. Gives the number of the choice. */
  note(ask: Ask, placed: Placed, nowMs: number): number {
    const seq = ++this.#latest;
    const at = seq % this.#slots.length;
    const slot = this.#slots[at]!;
    slot.seq = seq;
    slot.atMs = nowMs;
    this.#requests.set(at, ask.request ?? '');
    this.#traces.set(at, ask.traceId ?? '');
    slot.listener = ask.listener;
    slot.policy = placed.rule.policy;
    slot.matchRatioMin = placed.matchRatioMin;
    slot.model = placed.route.name;
    slot.promptTokens = placed.promptTokens;
    slot.blocks = placed.prompts[0].chain.length;
    slot.predictedCachedTokens = placed.predictedCachedTokens;
    slot.among = placed.among;
    slot.outcome = 'running';
    slot.firstTokenMs = slot.endMs = slot.reportedCachedTokens = NEVER;
    slot.rowCount = Math.min(placed.among.length, this.#rowsMax);
    if (slot.rows.length < slot.rowCount * ROW) slot.rows = new Float32Array(slot.rowCount * ROW);
    fillRows(slot, ask, placed, nowMs);
    return seq;
  }

  firstToken(seq: number, nowMs: number): void {
    const slot = this.#slotOf(seq);
    if (slot !== undefined && slot.firstTokenMs === NEVER) slot.firstTokenMs = nowMs;
  }

  finish(seq: number, outcome: Outcome, nowMs: number): void {
    const slot = this.#slotOf(seq);
    if (slot === undefined) return;
    slot.outcome = outcome.kind;
    slot.endMs = nowMs;
    if (outcome.kind === 'complete') slot.reportedCachedTokens = outcome.usage?.cachedTokens ?? NEVER;
  }

  isOver(seq: number): boolean {
    return (this.#slotOf(seq)?.outcome ?? 'complete') !== 'running';
  }

  read(seq: number): Choice | undefined {
    const slot = this.#slotOf(seq);
    if (slot === undefined) return undefined;
    const considered = Array.from({ length: slot.rowCount }, (_, row) => readRow(slot, row));
    const available = considered.filter((each): each is Considered & Candidate => each.cost !== undefined);
    const endpoint = slot.among[slot.chosen]!.address.id;
    const position = available.findIndex((each) => each.endpoint === endpoint);
    const chosen = available[position]!;
    const { policy, matchRatioMin, promptTokens, atMs } = slot;
    const second = runnerUp(policy, { matchRatioMin }, available, position);
    const next = second === undefined ? undefined : available[second];
    return {
      seq,
      atMs,
      request: this.#requests.get(seq % this.#slots.length),
      traceId: this.#traces.get(seq % this.#slots.length),
      listener: slot.listener,
      policy,
      model: slot.model,
      promptTokens: Math.round(promptTokens),
      blocks: slot.blocks,
      endpoint,
      matchedTokens: chosen.matchedTokens,
      matchRatio: chosen.matchRatio,
      predictedCachedTokens: slot.predictedCachedTokens,
      runnerUp: next?.endpoint,
      sentence: sentence({ policy, matchRatioMin, promptTokens, chosen, next, considered }),
      considered,
      endpoints: slot.among.length,
      outcome: slot.outcome,
      ttftMs: slot.firstTokenMs === NEVER ? undefined : slot.firstTokenMs - atMs,
      durationMs: slot.endMs === NEVER ? undefined : slot.endMs - atMs,
      reportedCachedTokens: slot.reportedCachedTokens === NEVER ? undefined : slot.reportedCachedTokens,
    };
  }

  /** 0 names nothing. */
  #slotOf(seq: number): Slot | undefined {
    const slot = this.#slots[seq % this.#slots.length];
    return seq > 0 && slot?.seq === seq ? slot : undefined;
  }
}

/** Views are in the order of the pool, with those left out that could not take the request. Of too many endpoints the chosen one takes the last row. */
function fillRows(slot: Slot, ask: Ask, placed: Placed, nowMs: number): void {
  const { among, views, view } = placed;
  const { rowCount, rows } = slot;
  let seen = 0;
  for (let i = 0; i < among.length; i += 1) {
    const endpoint = among[i]!;
    const its = views[seen];
    const isAvailable = its?.estimate.endpoint === endpoint;
    if (isAvailable) seen += 1;
    if (its === view && isAvailable) slot.chosen = i;
    else if (i >= rowCount) continue;
    const at = Math.min(i, rowCount - 1) * ROW;
    rows[at + POSITION] = i;
    if (its !== undefined && isAvailable) writeView(rows, at, its);
    else rows[at + BECAUSE] = REASONS.indexOf(whyNot(endpoint, ask, placed, nowMs));
  }
}

function writeView(rows: Float32Array, at: number, view: View): void {
  rows[at + BECAUSE] = 0;
  rows[at + HELD] = view.heldTokens;
  rows[at + RATIO] = view.matchRatio;
  rows[at + UNCACHED] = view.uncachedTokens;
  rows[at + INSERTED] = view.insertedTokens;
  rows[at + QUEUED] = view.queuedTokens;
  rows[at + PRESSURE] = view.pressure;
  rows[at + IN_FLIGHT] = view.inFlight;
  rows[at + COST] = view.cost;
  rows[at + OVERFULL] = view.overfullTokens;
}

function whyNot(endpoint: Endpoint, ask: Ask, { target, panics, isTenantBound }: Placed, nowMs: number): Reason {
  return unavailableBecause(endpoint, target.model, nowMs, panics) ?? (ask.excluded.includes(endpoint.address.id) ? 'tried' : isTenantBound ? 'tenant' : 'elsewhere');
}

function readRow({ among, rows }: Slot, row: number): Considered {
  const at = row * ROW;
  const endpoint = among[rows[at + POSITION]!]!.address.id;
  const because = REASONS[rows[at + BECAUSE]!]!;
  if (because !== '') return unavailable(endpoint, because);
  return {
    endpoint,
    available: true,
    because,
    matchedTokens: Math.round(rows[at + HELD]!),
    matchRatio: rows[at + RATIO]!,
    uncachedTokens: rows[at + UNCACHED]!,
    insertedTokens: rows[at + INSERTED]!,
    queuedTokens: rows[at + QUEUED]!,
    pressure: rows[at + PRESSURE]!,
    overfullTokens: rows[at + OVERFULL]!,
    inFlight: rows[at + IN_FLIGHT]!,
    cost: rows[at + COST]!,
  };
}

export function unavailable(endpoint: string, because: string): Considered {
  return { endpoint, available: false, because, matchedTokens: 0, matchRatio: 0, uncachedTokens: 0, insertedTokens: 0, queuedTokens: 0, pressure: 0, overfullTokens: 0, inFlight: 0, cost: undefined };
}

function emptySlot(): Slot {
  return {
    seq: 0,
    atMs: 0.5,
    listener: '',
    policy: 'random',
    matchRatioMin: 0.5,
    model: '',
    promptTokens: 0.5,
    blocks: 0,
    predictedCachedTokens: 0,
    among: NOBODY,
    chosen: 0,
    rowCount: 0,
    rows: NO_ROWS,
    outcome: 'running',
    firstTokenMs: 0.5,
    endMs: 0.5,
    reportedCachedTokens: NEVER,
  };
}
