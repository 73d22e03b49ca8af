// The page for operators, in a real Chromium.

import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { test, type Test } from 'tap';
import { openPage, startBrowser } from '../support/browser.ts';
import { call } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';
import { idOf, LISTENERS, RECENT, stubAdmin } from '../support/stub-admin.ts';
import { sampleStatus } from '../unit/observe/sample-record.ts';

const browser = await startBrowser();
const skip = browser === undefined ? 'no Chromium runs here' : false;

/** Ten times what is promised: the figures are those of comments here, and of npm run bench:page. */
const SHOWN_WITHIN_MS = 10_000;
const TOKEN = 'a-token';

test('in a browser', { skip, timeout: 120_000 }, async (t) => {
  t.teardown(() => browser!.close());
  await t.test('a request to one of three endpoints is shown while it runs, with its end, and without a complaint of the browser', threeEndpoints);
  await t.test('with 200 endpoints a request is shown, and its reasons without the 200', twoHundredEndpoints);
  await t.test('a router that had no request yet says so and nothing else', nothingYet);
  await t.test('times under another load are not compared, and equal ones are neither sooner nor later', notComparable);
  await t.test('a row is opened, read and left by keyboard', byKeyboard);
  await t.test('a router that is lost is said to be, and its return needs no hand', lostAndFound);
  await t.test('charts hold five minutes, with gaps, and begin anew when the clock of the router is set back', history);
  await t.test('what went on while the stream was away is there when it is back, in its order', streamAway);
  await t.test('an endpoint is drained and undrained', drained);
  await t.test('where a token is wanted it is asked for, and never kept', withToken);
  await t.test('what endpoints call themselves is text', namesAreText);
  await t.test('a narrow page in the dark shows everything and is no wider than its window', narrowAndDark);
});

async function live(page: Page): Promise<void> {
  await page.waitForSelector('#connection[data-state="live"]');
  await page.waitForSelector('#endpoints tbody tr');
}

async function threeEndpoints(t: Test): Promise<void> {
  let answer = (): void => {};
  const upstreams = await Promise.all([1, 2, 3].map(() => startRawUpstream(t, ({ socket }) => (answer = () => void socket.write(sized(200, '{}'))))));
  const { url, adminUrl } = await startTestRouter(t, { endpoints: upstreams.map((each) => each.url) });
  const { page, complaints } = await openPage(t, browser!, adminUrl);
  await live(page);
  t.equal(await page.locator('#endpoints tbody tr').count(), 3);
  t.equal(await page.locator('#charts canvas').count(), 4);
  const beganMs = performance.now();
  const answered = call(t, url, { path: CHAT.path, headers: ['x-request-id: seen'], body: CHAT.body('Hello', false) });
  const row = page.locator('tr[data-request="seen"]');
  await row.waitFor({ timeout: SHOWN_WITHIN_MS });
  t.comment(`shown after ${Math.round(performance.now() - beganMs)} ms, three endpoints`);
  t.equal(await row.getAttribute('data-outcome'), 'running');
  answer();
  await answered;
  await page.waitForSelector('tr[data-request="seen"][data-outcome="complete"]');
  await eventually(async () => /^[\d.]+ m?s$/.test((await page.locator('#card-ttft .figure').textContent()) ?? ''));
  t.match(await page.locator('#card-endpoints').textContent(), /3 of 3.*0 in flight, 0 waiting/);
  t.strictSame(complaints, []);
}

async function twoHundredEndpoints(t: Test): Promise<void> {
  const admin = await stubAdmin(t, 200);
  const { page, complaints } = await openPage(t, browser!, admin.url);
  await live(page);
  t.equal(await page.locator('#endpoints tbody tr').count(), 200);
  const beganMs = performance.now();
  admin.choose();
  const row = page.locator('tr[data-request="request-1"]');
  await row.waitFor({ timeout: SHOWN_WITHIN_MS });
  t.comment(`shown after ${Math.round(performance.now() - beganMs)} ms, 200 endpoints`);
  await row.click();
  const reasons = page.locator('#reasons');
  t.match(await reasons.locator('.sentence').textContent(), '10.0.0.150:8000 holds 900 of 1,000 tokens.');
  t.match(await reasons.locator('tbody tr').first().textContent(), /10\.0\.0\.150:8000900/, 'the chosen one is the first');
  t.equal(await reasons.locator('tbody tr.out').count(), 4);
  t.equal(await reasons.locator('tbody tr').count(), 28);
  t.match(await reasons.textContent(), /28 of 200 endpoints/);
  await page.keyboard.press('Escape');
  t.equal(await page.locator('#endpoints tbody tr').first().getAttribute('data-endpoint'), '10.0.0.1:8000', 'what is wrong comes first');
  await page.getByPlaceholder('address, pool or state').fill('unhealthy');
  t.equal(await page.locator('#endpoints tbody tr:visible').count(), 4);
  await page.getByPlaceholder('address, pool or state').fill('');
  await page.getByRole('button', { name: 'In flight' }).click();
  t.match(await page.locator('#endpoints tbody tr').first().textContent(), /10\.0\.0\.8:8000.*available8/);
  t.strictSame(complaints, []);
}

async function nothingYet(t: Test): Promise<void> {
  const admin = await stubAdmin(t, 3, { page: { listeners: () => LISTENERS, lastMinute: { ofListener: () => undefined, ofEndpoint: () => undefined } } });
  const { page } = await openPage(t, browser!, admin.url);
  await live(page);
  t.strictSame(await page.locator('#headline .card').allTextContents(), [
    'Prompt tokens not recomputed · prefix–No answer is complete yet.',
    'Time to first token, p50 · prefix–No first token within the last minute.',
    'Endpoints available2 of 33 in flight, 0 waiting0 requests/s',
    'Prediction error · prefix–No answer said what it reused within the last minute.',
  ]);
}

async function notComparable(t: Test): Promise<void> {
  let baseline = { ...RECENT, requestsPerS: 0.2, timeToFirstTokenP50Ms: 80 };
  const admin = await stubAdmin(t, 3, { page: { listeners: () => LISTENERS, lastMinute: { ofListener: (name) => (name === 'baseline' ? baseline : RECENT), ofEndpoint: () => RECENT } } });
  const { page } = await openPage(t, browser!, admin.url);
  await live(page);
  const said = async (): Promise<string> => (await page.locator('#card-ttft p').nth(1).textContent()) ?? '';
  t.equal(await said(), '80 ms on baseline, under another load: 0.20 requests/s, not 12');
  baseline = { ...RECENT, timeToFirstTokenP50Ms: 168.2 };
  await eventually(async () => (await said()) === 'as soon as on baseline: 168 ms');
  baseline = { ...RECENT, timeToFirstTokenP50Ms: 336 };
  await eventually(async () => (await said()) === '50 % sooner than on baseline: 336 ms');
}

async function byKeyboard(t: Test): Promise<void> {
  const admin = await stubAdmin(t, 3);
  admin.choose();
  const { page, complaints } = await openPage(t, browser!, admin.url);
  await page.waitForSelector('tr[data-request="request-1"]');
  const focused = (): Promise<string> => page.evaluate('document.activeElement.closest("tr")?.dataset.request ?? document.activeElement.closest("dialog")?.id ?? ""');
  for (let presses = 0; presses < 40 && (await focused()) !== 'request-1'; presses += 1) await page.keyboard.press('Tab');
  t.equal(await focused(), 'request-1', 'Tab leads there');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#reasons[open]');
  t.equal(await focused(), 'reasons');
  admin.choose();
  await page.waitForSelector('#choices-note:text("1 newer")', { state: 'attached' });
  t.equal(await page.locator('#choices tbody tr').count(), 1, 'rows stay where they are while somebody looks');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#reasons[open]', { state: 'detached' });
  t.equal(await focused(), 'request-1');
  await page.evaluate('document.activeElement.blur()');
  await page.waitForSelector('tr[data-request="request-2"]');
  t.strictSame(complaints, []);
}

async function lostAndFound(t: Test): Promise<void> {
  const first = await stubAdmin(t, 3);
  first.choose();
  const { page } = await openPage(t, browser!, first.url);
  await live(page);
  await page.waitForSelector('tr[data-request="request-1"]');
  await first.close();
  await page.waitForSelector('#connection[data-state="lost"]');
  t.match(await page.locator('#connection').textContent(), /^Lost the router at \d\d:\d\d:\d\d/);
  t.equal(await page.locator('#endpoints tbody tr').count(), 3, 'what was known stays to be read');
  await stubAdmin(t, 5, {}, Number(new URL(first.url).port));
  await live(page);
  await eventually(async () => (await page.locator('#endpoints tbody tr').count()) === 5);
  t.equal(await page.locator('tr[data-request="request-1"]').count(), 0, 'another process counts from 1 again');
}

async function history(t: Test): Promise<void> {
  const admin = await stubAdmin(t, 1);
  const { page } = await openPage(t, browser!, admin.url);
  const kept = (times: string): Promise<unknown> => page.evaluate(`import('/page/history.js').then(({ History }) => {
    const history = new History();
    for (const timeS of ${times}) history.add(timeS, new Map([['a', timeS]]));
    return [history.times, history.column('a')];
  })`);
  const [times, values] = (await kept('Array.from({ length: 1000 }, (_, at) => at)')) as [number[], number[]];
  t.same([times.length, times[0], values.length, values.at(-1)], [300, 700, 300, 999]);
  t.same(await kept('[10, 11, 20]'), [[10, 11, 12, 20], [10, 11, null, 20]]);
  t.same(await kept('[5000, 5001, 5000.5, 1000, 1001]'), [[1000, 1001], [1000, 1001]]);
}

async function streamAway(t: Test): Promise<void> {
  const admin = await stubAdmin(t, 3);
  for (let made = 0; made < 30; made += 1) admin.choose();
  const { page } = await openPage(t, browser!, admin.url);
  await page.waitForSelector('tr[data-request="request-30"]');
  for (let made = 0; made < 10; made += 1) admin.choose();
  await page.waitForSelector('#choices tbody tr:nth-child(33)');
  t.equal(await page.locator('tr[data-request="request-33"]').count(), 0, 'left out');
  admin.hangUp();
  await page.waitForSelector('#connection[data-state="lost"]');
  admin.end(30);
  admin.choose();
  await live(page);
  await page.waitForSelector('tr[data-request="request-41"]');
  t.equal(await page.locator('tr[data-request="request-30"]').getAttribute('data-outcome'), 'complete');
  const shown = (await page.evaluate('[...document.querySelectorAll("#choices tbody tr")].map((row) => Number(row.dataset.seq))')) as number[];
  t.strictSame(shown, Array.from({ length: 40 }, (_, at) => 41 - at));
}

async function drained(t: Test): Promise<void> {
  const upstream = await startRawUpstream(t, () => {});
  const { adminUrl, endpoints } = await startTestRouter(t, { endpoints: [upstream.url] });
  const { page, complaints } = await openPage(t, browser!, adminUrl);
  await live(page);
  await page.getByRole('button', { name: `Drain ${upstream.id}` }).click();
  await page.waitForSelector('td[data-state="draining"]');
  t.match(await endpoints(), [{ draining_by: ['admin'] }]);
  t.match(await page.locator('td[data-state]').textContent(), 'draining: an operator drains it');
  await page.getByRole('button', { name: `Undrain ${upstream.id}` }).click();
  await page.waitForSelector('td[data-state="available"]');
  t.match(await endpoints(), [{ draining_by: [] }]);
  t.strictSame(complaints, []);
}

async function withToken(t: Test): Promise<void> {
  const asked: string[] = [];
  const admin = await stubAdmin(t, 2, {
    access: () => ({ onLoopback: false, tokenSha256: createHash('sha256').update(TOKEN).digest('hex') }),
    setDrained(id) {
      asked.push(id);
      return sampleStatus({ id, drainingBy: ['admin'] });
    },
  });
  const { page } = await openPage(t, browser!, admin.url);
  await page.waitForSelector('#token[open]');
  t.equal(await page.locator('#endpoints tbody tr').count(), 0);
  for (const token of ['wrong', TOKEN]) {
    await page.waitForSelector('#token[open]');
    await page.getByRole('textbox', { name: 'Token' }).fill(token);
    await page.keyboard.press('Enter');
    if (token === 'wrong') await page.waitForSelector('#token-why:text("not its token")');
  }
  await live(page);
  admin.choose();
  await page.waitForSelector('tr[data-request="request-1"]');
  await page.getByRole('button', { name: `Drain ${idOf(0)}` }).click();
  await eventually(() => asked.length === 1);
  t.strictSame(asked, [idOf(0)]);
  t.equal(await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length'), 0);
  await page.reload();
  await page.waitForSelector('#token[open]');
}

async function namesAreText(t: Test): Promise<void> {
  const markup = '<img src=x onerror=alert(1)>';
  const admin = await stubAdmin(t, 1, { statuses: () => [sampleStatus({ id: markup, pool: markup, unavailableBecause: markup })] });
  const { page, complaints } = await openPage(t, browser!, admin.url);
  await live(page);
  t.equal(await page.locator('#endpoints tbody th').textContent(), markup);
  t.match(await page.locator('.legend').allTextContents(), [String, String, new RegExp(markup.replace(/[()]/g, '\\$&')), String]);
  t.equal(await page.locator('img[src="x"]').count(), 0);
  t.strictSame(complaints, []);
}

async function narrowAndDark(t: Test): Promise<void> {
  const admin = await stubAdmin(t, 200, { statuses: () => [sampleStatus({ id: 'qwen-0.qwen-headless.inference.svc.cluster.local:8000' })] });
  admin.choose();
  const { page, complaints } = await openPage(t, browser!, admin.url, { viewport: { width: 400, height: 800 }, colorScheme: 'dark' });
  await page.waitForSelector('tr[data-request="request-1"]');
  t.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= 400);
  t.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(18, 22, 28)');
  await page.locator('tr[data-request="request-1"] button').click();
  t.ok(Number(await page.evaluate('document.querySelector("#endpoints tbody th").offsetWidth')) < 200, 'a long name leaves room for the numbers');
  t.ok(Number(await page.evaluate('document.querySelector("#reasons").getBoundingClientRect().right')) <= 400);
  t.equal(await page.evaluate('document.querySelector("#reasons").scrollTop'), 0, 'read from the beginning');
  t.strictSame(complaints, []);
}
