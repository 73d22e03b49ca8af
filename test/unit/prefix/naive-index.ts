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
  /** Confirmed blocks, youngest first. */
  readonly young: string[] = [];
  /** Evicted blocks, the last one first, with their tokens: as many as there is capacity. */
  ghosts: { readonly name: string; readonly tokens: number }[] = [];
  capacityTokens: number;

  constructor(capacityTokens: number) {
    this.capacityTokens = capacityTokens;
  }

  get confirmedTokens(): number {
    return this.young.reduce((sum, name) => sum + this.#block(name).tokens, 0);
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

  /** What is believed of each leading block, and of the answer behind them: idle, busy or a ghost. */
  survey(text: string): string {
    const kindOf = (name: string): string => {
      const block = this.blocks.get(name);
      if (block !== undefined) return block.pins === 0 && this.young.includes(name) ? 'i' : 'b';
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
  }

  confirm(text: string, nowMs: number): void {
    for (const name of prefixes(text)) {
      if (/[A-Z]$/.test(name) && /^[mM]/.test(text.slice(name.length))) this.#lose(`${name}=`);
    }
    for (const name of prefixes(text).toReversed()) this.#makeYoung(name, 0, nowMs);
    this.#evict();
  }

  recordAnswer(text: string, tokens: number, nowMs: number): void {
    if (!this.young.includes(text)) return;
    this.#block(`${text}=`, tokens);
    this.#lose(`${text}=`, false);
    this.#makeYoung(`${text}=`, this.young.indexOf(text) + 1, nowMs);
    this.#evict();
  }

  release(text: string): void {
    for (const name of prefixes(text)) {
      this.#block(name).pins--;
      this.#sweep(name);
    }
  }

  forget(): void {
    this.blocks.clear();
    this.young.length = 0;
    this.ghosts = [];
  }

  setCapacityTokens(capacityTokens: number): void {
    this.capacityTokens = capacityTokens;
    this.#boundGhosts();
    this.#evict();
  }

  #block(name: string, tokens = blockTokens(name.slice(-1))): Block {
    let block = this.blocks.get(name);
    if (block === undefined) this.blocks.set(name, (block = { tokens, pins: 0, confirmedAtMs: 0 }));
    return block;
  }

  #makeYoung(name: string, at: number, nowMs: number): void {
    this.#block(name).confirmedAtMs = nowMs;
    if (this.young.includes(name)) this.young.splice(this.young.indexOf(name), 1);
    this.ghosts = this.ghosts.filter((ghost) => ghost.name !== name);
    this.young.splice(at, 0, name);
  }

  #evict(): void {
    while (this.confirmedTokens > this.capacityTokens) {
      const name = this.young.at(-1)!;
      this.ghosts.unshift({ name, tokens: this.#block(name).tokens });
      this.#boundGhosts();
      this.#lose(name);
    }
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
    if (this.#block(name).pins === 0 && !this.young.includes(name)) this.blocks.delete(name);
  }
}

/** From the first block to the whole text. */
export function prefixes(text: string): string[] {
  return Array.from(text, (_, i) => text.slice(0, i + 1));
}
