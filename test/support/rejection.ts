// rejection.ts: the error itself, for tests that ask whose class it is.

/** What the promise rejects with. Throws when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let error: unknown;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  if (error === undefined) throw new Error('It resolved');
  return error;
}
