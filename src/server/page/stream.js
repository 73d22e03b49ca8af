// stream.js: the events of the router: one stream, opened again whenever it is lost.

import { access, askForToken, heldToken } from './admin.js';

const URL = 'page/stream';
const EVENTS = ['hello', 'snapshot', 'choice', 'ended', 'forgotten', 'skipped'];
const AGAIN_MS = 1000;
/** A snapshot comes each second: who is silent for so long is gone, whatever the connection looks like. */
const SILENT_MS = 4000;

/** `onEvent(name, data)`; `onState('live' | 'lost' | 'refused' | 'token' | 'forbidden')`. */
export function follow({ onEvent, onState }) {
  let source;
  let silence;
  /** Whether this stream ever told anything: one that ends later was not refused. */
  let heard;

  const open = () => {
    const mine = heldToken() === undefined ? new EventSource(URL) : new TokenSource(URL, heldToken());
    source = mine;
    heard = false;
    for (const name of EVENTS) {
      mine.addEventListener(name, ({ data }) => {
        if (source !== mine) return;
        listen();
        heard = true;
        onState('live');
        onEvent(name, JSON.parse(data));
      });
    }
    mine.addEventListener('error', () => {
      if (source === mine) void again();
    });
    listen();
  };

  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(again, SILENT_MS);
  };

  const again = async () => {
    clearTimeout(silence);
    source.close();
    source = undefined;
    const why = await access();
    onState(why !== 'yes' ? why : heard ? 'lost' : 'refused');
    if (why === 'token') await askForToken();
    setTimeout(open, why === 'token' ? 0 : AGAIN_MS);
  };

  open();
}

/** An EventSource that shows a token, which the browser's own cannot. */
class TokenSource extends EventTarget {
  #leaving = new AbortController();

  constructor(url, token) {
    super();
    void this.#read(url, token)
      .catch(() => {})
      .then(() => this.dispatchEvent(new Event('error')));
  }

  close() {
    this.#leaving.abort();
  }

  async #read(url, token) {
    const { ok, body } = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal: this.#leaving.signal });
    if (!ok) return;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) this.#tell(block);
    }
  }

  #tell(block) {
    const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
    if (fields.event !== undefined) this.dispatchEvent(new MessageEvent(fields.event, { data: fields.data }));
  }
}
