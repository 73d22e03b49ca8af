// gc-in-process.ts: loaded into a proxy before its own code, so that memory can be weighed without what is garbage already.

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
});
