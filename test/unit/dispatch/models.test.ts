import { test } from 'tap';
import { chooseTarget } from '../../../src/dispatch/models.ts';
import type { ModelRoute } from '../../../src/dispatch/settings.ts';
import { createHouse, type House } from './house.ts';

function ask(house: House, model: unknown) {
  return house.dispatcher.assign({ facts: house.chat(['hello'], { model }), listener: 'prefix', excluded: [] });
}

test('a request without a model gets the only base model, adapters not counted', async (t) => {
  const house = createHouse({ models: [{ id: 'base' }, { id: 'adapter', parent: 'base' }] });
  for (const model of ['', null, undefined]) t.match(ask(house, model), { kind: 'assigned', model: 'base', upstreamModel: undefined });
  t.match(ask(house, 'adapter'), { kind: 'assigned', model: 'adapter' });
});

test('a request without a model is refused where several are served, naming the field', async (t) => {
  t.match(ask(createHouse({ models: [{ id: 'a' }, { id: 'b' }] }), ''), { kind: 'refused', status: 400, reason: 'model_required', param: 'model' });
});

test('an unknown model does not exist, unless an endpoint has not reported yet', async (t) => {
  const house = createHouse();
  t.match(ask(house, 'nope'), { kind: 'refused', status: 404, reason: 'model_unknown', param: 'model' });
  house.pools.apply('pool', 'dns', [{ scheme: 'http', host: '10.0.9.9', port: 8000 }]);
  t.match(ask(house, 'nope'), { kind: 'refused', status: 503, reason: 'model_not_ready', retryAfterS: 1 });
});

test('100,000 names that nobody serves are refused one by one and remembered nowhere', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const { index } = house.status(0);
  const facts = house.chat(['hello']);
  let refused = 0;
  for (let i = 0; i < 100_000; i++) {
    const given = house.dispatcher.assign({ facts: { ...facts, model: `model-${i}` }, listener: 'prefix', excluded: [] });
    if (given.kind === 'refused' && given.reason === 'model_unknown') refused += 1;
  }
  t.equal(refused, 100_000);
  t.same(house.status(0).index, index);
  t.equal(house.estimates.models.size, 0);
});

test('a served model whose endpoints are all away is refused for now', async (t) => {
  const house = createHouse({ endpoints: 1 });
  house.endpoint(0).noteUnreachable();
  t.match(ask(house, 'm'), { kind: 'refused', status: 503, reason: 'no_endpoint_available', retryAfterS: 1 });
});

const ROUTE: ModelRoute = {
  name: 'public',
  criticality: 'critical',
  targets: [
    { pool: 'pool', model: 'm', weight: 75 },
    { pool: 'pool', model: 'adapter', weight: 25 },
    { pool: 'pool', model: 'never', weight: 0 },
  ],
};

test('configured models hide the names that endpoints report, and are renamed on the way', async (t) => {
  const house = createHouse({ models: [{ id: 'm' }, { id: 'adapter', parent: 'm' }], settings: { models: [ROUTE] } });
  t.match(ask(house, 'm'), { kind: 'refused', status: 404 });
  const assigned = ask(house, 'public');
  t.match(assigned, { kind: 'assigned', model: 'public', criticality: 'critical', upstreamModel: /^(m|adapter)$/ });
});

test('conversations divide by weight and stay on their target as they grow', async (t) => {
  const house = createHouse();
  const counts = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    const first = house.chat([`conversation ${i}`]);
    const later = house.chat([`conversation ${i}`, 'an answer', 'another question']);
    const target = chooseTarget(ROUTE.targets, first.prompts[0], first.openingBlocks);
    t.equal(chooseTarget(ROUTE.targets, later.prompts[0], later.openingBlocks), target);
    counts.set(target!.model, (counts.get(target!.model) ?? 0) + 1);
  }
  t.ok(Math.abs((counts.get('m') ?? 0) - 1500) < 100, `${counts.get('m')} of 2000 with weight 75 of 100`);
  t.equal(counts.get('never'), undefined);
});
