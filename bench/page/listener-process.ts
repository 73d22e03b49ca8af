// listener-process.ts: a page without a browser, opened and closed by turns with each SIGUSR2. Prints how late the latest choice of a snapshot's second came, in milliseconds, and `closed`.

import { request } from 'undici';

const url = `${process.argv[2]}/page/stream`;
let open: AbortController | undefined;

process.on('SIGUSR2', () => {
  if (open === undefined) {
    open = new AbortController();
    read(open.signal).catch(() => process.stdout.write('closed\n'));
  } else {
    open.abort();
    open = undefined;
  }
});
// Signals alone keep no process.
setInterval(() => {}, 60_000);
process.stdout.write('ready\n');

async function read(signal: AbortSignal): Promise<void> {
  const { body } = await request(url, { signal });
  let rest = '';
  let worstMs = 0;
  for await (const bytes of body) {
    const blocks = (rest + String(bytes)).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      // What one is greeted with is from before.
      if (block.startsWith('event: hello')) worstMs = -Infinity;
      else if (block.startsWith('event: choice')) worstMs = Math.max(worstMs, Date.now() - Date.parse(/"at":"([^"]+)"/.exec(block)![1]!));
      if (!block.startsWith('event: snapshot')) continue;
      process.stdout.write(`${worstMs}\n`);
      worstMs = 0;
    }
  }
}
