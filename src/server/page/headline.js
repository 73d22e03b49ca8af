// headline.js: what it is all for, in four numbers.

import { byId, el, setText } from './dom.js';
import { amount, count, duration, percent, rate } from './words.js';

const CARDS = [
  ['saved', 'Prompt tokens not recomputed'],
  ['ttft', 'Time to first token, p50'],
  ['endpoints', 'Endpoints available'],
  ['error', 'Prediction error'],
];
/** Times of listeners of which one has so many times the requests of the other say nothing of their policies. */
const OTHER_LOAD = 2;

export function createHeadline() {
  const cards = new Map();
  for (const [key, title] of CARDS) {
    const card = { where: el('span'), figure: el('p', { className: 'figure' }), lines: [el('p'), el('p')] };
    byId('headline').append(el('div', { className: 'card', id: `card-${key}` }, el('h2', {}, title, card.where), card.figure, ...card.lines));
    cards.set(key, card);
  }
  /** Of several listeners the cards tell of one. */
  const name = (where) => {
    for (const key of ['saved', 'ttft', 'error']) setText(cards.get(key).where, where);
  };
  const show = (key, figure, ...lines) => {
    const card = cards.get(key);
    setText(card.figure, figure);
    for (const [at, line] of card.lines.entries()) setText(line, lines[at] ?? '');
  };
  return {
    show({ listeners, endpoints, waiting }) {
      const { prefix, baseline } = compared(listeners);
      name(listeners.length > 1 ? ` · ${prefix.name}` : '');
      show('saved', percent(share(prefix)), saved(prefix), savedOn(baseline));
      show('ttft', duration(prefix?.ttft_p50_ms), sooner(prefix, baseline), tails(prefix, baseline));
      const inFlight = endpoints.reduce((sum, each) => sum + each.in_flight, 0);
      const perS = listeners.reduce((sum, each) => sum + each.requests_per_s, 0);
      show('endpoints', `${endpoints.filter(({ because }) => because === '').length} of ${endpoints.length}`, `${count(inFlight)} in flight, ${count(waiting)} waiting`, `${rate(perS)} requests/s`);
      show('error', percent(prefix?.error_ratio, 2), error(prefix), hitRatios(prefix));
    },
  };
}

/** The first listener by prefix, and the first one that does not look at prompts. */
export function compared(listeners) {
  const byPrefix = ({ policy }) => policy.startsWith('prefix');
  return { prefix: listeners.find(byPrefix) ?? listeners[0], baseline: listeners.some(byPrefix) ? listeners.find((each) => !byPrefix(each)) : undefined };
}

function share(listener) {
  return listener && listener.prompt_tokens > 0 ? listener.not_recomputed_tokens / listener.prompt_tokens : null;
}

function saved(prefix) {
  if (!prefix || prefix.prompt_tokens === 0) return 'No answer is complete yet.';
  return `${amount(prefix.not_recomputed_tokens)} of ${amount(prefix.prompt_tokens)} since the start`;
}

function savedOn(baseline) {
  return baseline && baseline.prompt_tokens > 0 ? `${percent(share(baseline))} on ${baseline.name}` : '';
}

function sooner(prefix, baseline) {
  if (!prefix || prefix.ttft_p50_ms === null) return 'No first token within the last minute.';
  if (!baseline || baseline.ttft_p50_ms === null) return 'last minute';
  const rates = [prefix.requests_per_s, baseline.requests_per_s];
  if (Math.max(...rates) > OTHER_LOAD * Math.min(...rates)) return `${duration(baseline.ttft_p50_ms)} on ${baseline.name}, under another load: ${rate(rates[1])} requests/s, not ${rate(rates[0])}`;
  const share = Math.round((1 - prefix.ttft_p50_ms / baseline.ttft_p50_ms) * 100);
  const how = share === 0 ? 'as soon as' : `${Math.abs(share)} % ${share > 0 ? 'sooner' : 'later'} than`;
  return `${how} on ${baseline.name}: ${duration(baseline.ttft_p50_ms)}`;
}

function tails(prefix, baseline) {
  if (!prefix || prefix.ttft_p90_ms === null) return '';
  return `p90 ${duration(prefix.ttft_p90_ms)}${baseline && baseline.ttft_p90_ms !== null ? `, ${baseline.name} ${duration(baseline.ttft_p90_ms)}` : ''}`;
}

function error(prefix) {
  if (!prefix || prefix.error_ratio === null) return 'No answer said what it reused within the last minute.';
  return 'of prompt tokens, last minute';
}

function hitRatios(prefix) {
  if (!prefix || prefix.predicted_hit_ratio === null) return '';
  return `predicted ${percent(prefix.predicted_hit_ratio)}, reported ${percent(prefix.reported_hit_ratio)}`;
}
