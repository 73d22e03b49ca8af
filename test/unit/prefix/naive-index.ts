// naive-index.ts: the prefix index as one would explain it: a map and a list, each rule a line, no thought of speed.

import { blockTokens } from './conversation.ts';

interface Block {
  readonly tokens: number;
  pins: number;
  confirmedAtMs: number;
}

/** Blocks are named by the text up to their end (conversation.ts), an answer by its prompt and `=`. */
export class NaiveIndex {
  readonly blocks = new Map<string, Block>();
  /** Confirmed blocks, youngest first: but those whose turn to be evicted came while they were pinned. */
  readonly young: string[] = [];
  readonly spared = new Set<string>();
  /** Evicted blocks, the last one first: as many as there is capacity. */
  ghosts: { readonly name: string; readonly tokens: number; readonly confirmedAtMs: number }[] = [];
  capacityTokens: number;

  constructor(capacityTokens: number) {
    this.capacityTokens = capacityTokens;
  }

  get tokens(): number {
    return this.blocks.values().reduce((sum, { tokens }) => sum + tokens, 0);
  }

  get inUseTokens(): number {
    return this.blocks.values().reduce((sum, { tokens, pins }) => (pins > 0 ? sum + tokens : sum), 0);
  }

  tailAgeMs(nowMs: number): number {
    const tail = this.young.at(-1);
    return tail === undefined ? Infinity : nowMs - this.#block(tail).confirmedAtMs;
  }

  matched(text: string): number {
    let matched = 0;
    while (matched < text.length && this.blocks.has(text.slice(0, matched + 1))) matched++;
    return matched;
  }

  held(text: string): number {
    const matched = this.matched(text);
    if (!this.blocks.has(`${text.slice(0, matched)}=`)) return matched;
    const message = /^[A-Z]m*M?/.exec(text.slice(matched - 1));
    return message === null ? matched : matched - 1 + message[0].length;
  }

  /** What is believed of each leading block, and of the answer behind them: idle, busy, provisional or a ghost. */
  survey(text: string): string {
    const kindOf = (name: string): string => {
      const block = this.blocks.get(name);
      if (block !== undefined) return this.#isConfirmed(name) ? (block.pins === 0 ? 'i' : 'b') : 'p';
      return this.ghosts.some((ghost) => ghost.name === name) ? 'g' : '';
    };
    const kinds: string[] = [];
    for (const name of prefixes(text)) {
      if (kindOf(name) === '') break;
      kinds.push(kindOf(name));
    }
    const held = text.slice(0, kinds.length);
    if (/[A-Z]$/.test(held) && /^[mM]/.test(text.slice(held.length)) && this.blocks.has(`${held}=`)) kinds.push(kindOf(`${held}=`));
    return kinds.join('');
  }

  record(text: string): void {
    for (const name of prefixes(text)) this.#block(name).pins++;
    this.#settle();
  }

  confirm(text: string, nowMs: number): void {
    for (const name of prefixes(text)) {
      if (!/[A-Z]$/.test(name) || !/^[mM]/.test(text.slice(name.length))) continue;
      this.ghosts = this.ghosts.filter((ghost) => ghost.name !== `${name}=`);
      this.#lose(`${name}=`);
    }
    for (const name of prefixes(text).toReversed()) this.#makeYoung(name, 0, nowMs);
    this.#settle();
  }

  recordAnswer(text: string, tokens: number, nowMs: number): void {
    if (!this.young.includes(text)) return;
    this.#block(`${text}=`, tokens);
    this.#lose(`${text}=`, false);
    this.#makeYoung(`${text}=`, this.young.indexOf(text) + 1, nowMs);
    this.#settle();
  }

  release(text: string): void {
    let isDue = false;
    for (const name of prefixes(text)) {
      this.#block(name).pins--;
      isDue ||= this.#block(name).pins === 0 && this.spared.has(name);
      this.#sweep(name);
    }
    if (isDue) for (const name of prefixes(text).toReversed()) if (this.#isConfirmed(name)) this.#makeYoung(name, 0, this.#block(name).confirmedAtMs);
    this.#settle();
  }

  forget(): void {
    this.blocks.clear();
    this.young.length = 0;
    this.spared.clear();
    this.ghosts = [];
  }

  forgetBefore(sinceMs: number): void {
    this.ghosts = [];
    for (const name of [...this.blocks.keys()].filter((name) => this.#isConfirmed(name) && this.#block(name).confirmedAtMs < sinceMs)) {
      this.spared.delete(name);
      if (this.young.includes(name)) this.young.splice(this.young.indexOf(name), 1);
      this.#sweep(name);
    }
  }

  setCapacityTokens(capacityTokens: number): void {
    this.capacityTokens = capacityTokens;
    this.#boundGhosts();
    this.#settle();
  }

  #block(name: string, tokens = blockTokens(name.slice(-1))): Block {
    let block = this.blocks.get(name);
    if (block === undefined) this.blocks.set(name, (block = { tokens, pins: 0, confirmedAtMs: 0 }));
    return block;
  }

  #makeYoung(name: string, at: number, nowMs: number): void {
    this.#block(name).confirmedAtMs = nowMs;
    this.spared.delete(name);
    if (this.young.includes(name)) this.young.splice(this.young.indexOf(name), 1);
    this.ghosts = this.ghosts.filter((ghost) => ghost.name !== name);
    this.young.splice(at, 0, name);
  }

  #settle(): void {
    while (this.tokens > this.capacityTokens && this.young.length > 0) {
      const name = this.young.at(-1)!;
      const { tokens, pins, confirmedAtMs } = this.#block(name);
      if (pins > 0) {
        this.spared.add(this.young.pop()!);
        continue;
      }
      this.#lose(name);
      this.ghosts.unshift({ name, tokens, confirmedAtMs });
      this.#boundGhosts();
    }
    while (this.ghosts.length > 0 && this.tokens + this.ghosts[0]!.tokens <= this.capacityTokens) {
      const { name, tokens, confirmedAtMs } = this.ghosts.shift()!;
      this.#block(name, tokens).confirmedAtMs = confirmedAtMs;
      this.young.push(name);
    }
  }

  #isConfirmed(name: string): boolean {
    return this.young.includes(name) || this.spared.has(name);
  }

  #boundGhosts(): void {
    while (this.ghosts.reduce((sum, { tokens }) => sum + tokens, 0) > this.capacityTokens) this.ghosts.pop();
  }

  #lose(name: string, sweep = true): void {
    if (!this.young.includes(name)) return;
    this.young.splice(this.young.indexOf(name), 1);
    if (sweep) this.#sweep(name);
  }

  #sweep(name: string): void {
    if (this.#block(name).pins === 0 && !this.#isConfirmed(name)) this.blocks.delete(name);
  }
}

/** From the first block to the whole text. */
export function prefixes(text: string): string[] {
  return Array.from(text, (_, i) => text.slice(0, i + 1));
}
