// by-hash.ts: rules that send what looks alike to one place, without knowing what is there.

import { hashOf } from './choosing.ts';
import type { Peer, Rule } from './rival-router.ts';

/** Rendezvous hash of the session. */
export const sessionHash: Rule = {
  choose({ facts, peers }) {
    let chosen = 0;
    for (let at = 1; at < peers.length; at++) {
      if (hashOf(facts.session, peers[at]!.at) > hashOf(facts.session, peers[chosen]!.at)) chosen = at;
    }
    return chosen;
  },
};

const VIRTUAL_NODES = 256;
const LOAD_MAX = 1.25;

/** Consistent hash with bounded loads of what the first user message begins with, as in KubeAI. */
export function boundedHash(): Rule {
  let ring: readonly { readonly place: number; readonly peer: number }[] = [];
  let ringFor = '';
  return {
    choose({ facts, peers }) {
      const wanted = peers.map((peer) => peer.id).join();
      if (wanted !== ringFor) {
        ringFor = wanted;
        ring = ringOf(peers);
      }
      const total = peers.reduce((sum, peer) => sum + peer.inFlight, 0);
      const most = (LOAD_MAX * (total + 1)) / peers.length;
      const from = firstFrom(ring, hashOf(facts.openingId, 0));
      for (let step = 0; step < ring.length; step++) {
        const { peer } = ring[(from + step) % ring.length]!;
        if (peers[peer]!.inFlight <= most) return peer;
      }
      return ring[from]!.peer;
    },
  };
}

function ringOf(peers: readonly Peer[]): { place: number; peer: number }[] {
  const nodes = peers.flatMap(({ at }, peer) => Array.from({ length: VIRTUAL_NODES }, (_, node) => ({ place: hashOf(at * VIRTUAL_NODES + node, 1), peer })));
  return nodes.toSorted((a, b) => a.place - b.place);
}

function firstFrom(ring: readonly { readonly place: number }[], place: number): number {
  let low = 0;
  let high = ring.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ring[middle]!.place < place) low = middle + 1;
    else high = middle;
  }
  return low % ring.length;
}
