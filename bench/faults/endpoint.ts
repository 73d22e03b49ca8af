// endpoint.ts: a simulated vLLM server as a process of its own, to be broken in every way.

import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startChild, type Child } from '../load/child.ts';
import type { Fault } from '../simulator/fault.ts';

export const MODEL = '/model/qwen';

/** Real seconds for a simulated second: a step of the preset takes about 22 ms then. */
export const TIME_SCALE = 3;

const script = fileURLToPath(new URL('../simulator/main.ts', import.meta.url));

export class FaultyEndpoint {
  readonly url: string;
  readonly #timeScale: number;
  #child: Child;

  private constructor(child: Child, url: string, timeScale: number) {
    this.#child = child;
    this.url = url;
    this.#timeScale = timeScale;
  }

  /** Resolves when it listens. */
  static async start(timeScale: number = TIME_SCALE): Promise<FaultyEndpoint> {
    const { child, url } = await serve(0, timeScale);
    return new FaultyEndpoint(child, url, timeScale);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async killNow(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }

  /** Kills it and starts a new one, with an empty cache, at the same address. Resolves when that one listens. */
  async startAgain(): Promise<void> {
    await this.killNow();
    this.#child = (await serve(Number(new URL(this.url).port), this.#timeScale)).child;
  }

  async fault(fault: Fault): Promise<void> {
    const { statusCode, body } = await request(`${this.url}/sim/fault`, { method: 'POST', body: JSON.stringify(fault) });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(text);
  }

  /** Ids of the requests that it works on now; none when nothing listens there. */
  async open(): Promise<readonly string[]> {
    try {
      const { body } = await request(`${this.url}/sim/open`);
      return (await body.json()) as string[];
    } catch {
      return [];
    }
  }
}

async function serve(port: number, timeScale: number): Promise<{ child: Child; url: string }> {
  const args = ['--port', String(port), '--preset', 'H8', '--model', MODEL, '--time-scale', String(timeScale)];
  const { child, found } = await startChild(script, args, (line) => (JSON.parse(line) as { url?: string }).url);
  return { child, url: found };
}
