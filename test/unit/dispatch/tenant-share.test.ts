// Which endpoints a tenant's requests may go to, and that the others keep what they hold of other tenants.

import * as fc from 'fast-check';
import { test } from 'tap';
import type { Assignment, Refusal } from '../../../src/core/dispatcher.ts';
import { endpointsOfTenant } from '../../../src/dispatch/tenant-share.ts';
import { ADMISSION, createHouse, type House } from './house.ts';

const PREFIX = { kvCacheTokens: 20_000, bytesPerToken: 4, matchRatioMin: 0.5, tenantEndpointsRatio: 0.25 };
const eight = (more: object = {}) => createHouse({ endpoints: 8, settings: { prefix: PREFIX, admission: ADMISSION, ...more } });
const text = (words: string, count: number): string => `${words} `.repeat(count);

function ask(house: House, tenant: string | undefined, content: string, excluded: readonly string[] = []): Assignment | Refusal {
  return house.dispatcher.assign({ facts: house.chat([content]), listener: 'prefix', tenant, excluded });
}

/** The whole of one request. */
function serve(house: House, tenant: string | undefined, content: string): Assignment {
  const assigned = ask(house, tenant, content);
  if (assigned.kind === 'refused') throw new Error(assigned.message);
  house.nowMs += 100;
  house.dispatcher.finish(assigned.attempt, { kind: 'complete', usage: undefined, responseId: undefined });
  return assigned;
}

const endpointOf = (house: House, tenant: string | undefined, content: string): string => serve(house, tenant, content).endpoint.id;

test('a tenant has its share of the endpoints, at least one, and keeps them when others leave', async () => {
  const { pools } = createHouse({ endpoints: 12 });
  const all = pools.all();
  fc.assert(
    fc.property(fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), fc.subarray([...all], { minLength: 1 }), fc.nat(), (tenant, ratio, up, gone) => {
      const own = endpointsOfTenant(tenant, up, ratio);
      const left = up.filter((_, i) => i !== gone % up.length);
      const ownLeft = left.length === 0 ? [] : endpointsOfTenant(tenant, left, Math.min(1, own.length / left.length));
      const isSized = own.length === Math.max(1, Math.floor(up.length * ratio));
      const isOrdered = own.every((endpoint, i) => i === 0 || up.indexOf(own[i - 1]!) < up.indexOf(endpoint));
      return isSized && isOrdered && own.every((endpoint) => endpoint === up[gone % up.length] || ownLeft.includes(endpoint));
    }),
  );
});

test('tenants have different endpoints', async (t) => {
  const all = createHouse({ endpoints: 8 }).pools.all();
  const used = new Set(Array.from({ length: 40 }, (_, i) => endpointsOfTenant(`tenant ${i}`, all, 0.25)).flat());
  t.equal(used.size, 8);
});

test('however much a tenant sends, what others hold outside of its endpoints stays', async (t) => {
  const house = eight();
  const others = Array.from({ length: 40 }, (_, i) => text(`shared by one of many, number ${i}`, 30));
  const before = new Map(others.map((content, i) => [content, endpointOf(house, `other ${i}`, content)]));
  const flooded = new Set(Array.from({ length: 400 }, (_, i) => endpointOf(house, 'flood', text(`never seen before ${i}`, 100))));
  t.equal(flooded.size, 2);
  const kept = [...before].filter(([, endpoint]) => !flooded.has(endpoint));
  t.ok(kept.length >= 20, `${kept.length} of 40 elsewhere`);
  for (const [content] of kept) t.equal(serve(house, `other ${others.indexOf(content)}`, content).matchRatio, 1);
});

test('where no keys say who sends it, or the share is all, a request may go anywhere', async (t) => {
  const house = eight();
  t.equal(new Set(Array.from({ length: 100 }, (_, i) => endpointOf(house, '', text(`new ${i}`, 100)))).size, 8);
  const unbound = eight({ prefix: { ...PREFIX, tenantEndpointsRatio: 1 } });
  t.equal(new Set(Array.from({ length: 100 }, (_, i) => endpointOf(unbound, 'flood', text(`new ${i}`, 100)))).size, 8);
});

test('it gets others while its own are down or were tried, and none for filling its own', async (t) => {
  const house = eight();
  const own = [...new Set(Array.from({ length: 50 }, (_, i) => endpointOf(house, 'a', text(`new ${i}`, 100))))];
  t.equal(own.length, 2);
  const elsewhere = ask(house, 'a', 'again', own);
  t.ok(elsewhere.kind === 'assigned' && !own.includes(elsewhere.endpoint.id), 'tried');

  const full = eight();
  for (let i = 0; i < 200; i += 1) t.equal(ask(full, 'a', `fills ${i}`).kind, 'assigned');
  t.match(ask(full, 'a', 'one more'), { kind: 'refused', status: 503 });
  t.equal(ask(full, 'b', 'another tenant').kind, 'assigned');

  for (const endpoint of house.pools.all()) if (own.includes(endpoint.address.id)) for (let i = 0; i < 3; i += 1) endpoint.noteProbeFailed('down', house.nowMs);
  const instead = ask(house, 'a', 'while they are down');
  t.ok(instead.kind === 'assigned' && !own.includes(instead.endpoint.id), 'down');
});

test('a look says which endpoints are not the tenant\'s', async (t) => {
  const house = eight();
  const { considered } = house.dispatcher.explain({ facts: house.chat(['hello']), listener: 'prefix', tenant: 'a', excluded: [] });
  t.equal(considered.filter(({ available }) => available).length, 2);
  t.equal(considered.filter(({ because }) => because === 'tenant').length, 6);
});
