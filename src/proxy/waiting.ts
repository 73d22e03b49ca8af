// waiting.ts: a request asks for an endpoint, and stands in the queue when it must.

import type { Ask, Assignment, Dispatcher, Refusal, Settled } from '../core/dispatcher.ts';
import type { ClientResponse } from './client-response.ts';

/**
 * Asks for an endpoint. A promise only when the request has to wait; it gives undefined when the client left, which then has no place any more.
 *
 * A client may leave in the tick in which it is given an assignment, so that must be looked at before it is used.
 */
export function assign(dispatcher: Dispatcher, ask: Ask, client: ClientResponse): Assignment | Refusal | Promise<Assignment | Refusal | undefined> {
  let hear: Settled | undefined;
  const given = dispatcher.assign(ask, (result) => hear?.(result));
  if (given.kind !== 'waiting') return given;
  return new Promise((resolve) => {
    hear = (result) => {
      client.listen(undefined);
      resolve(result);
    };
    client.listen({
      onClientGone: () => {
        client.listen(undefined);
        dispatcher.leave(given.ticket);
        resolve(undefined);
      },
      onClientDrained: () => {},
    });
  });
}
