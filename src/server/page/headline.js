// headline.js: what it is all for, in four numbers.

import { byId, el, setText } from './dom.js';
import { amount, count, duration, percent, rate } from './words.js';

const CARDS = [
  ['saved', 'Prompt tokens not recomputed'],
  ['ttft', 'Time to first token, p50'],
  ['endpoints', 'Endpoints available'],
  ['error', 'Prediction error'],
];

export function createHeadline() {
  const cards = new Map();
  for (const [key, title] of CARDS) {
    const card = { figure: el('p', { className: 'figure' }), lines: [el('p'), el('p')] };
    byId('headline').append(el('div', { className: 'card', id: `card-${key}` }, el('h2', {}, title), card.figure, ...card.lines));
    cards.set(key, card);
  }
  const show = (key, figure, ...lines) => {
    const card = cards.get(key);
    setText(card.figure, figure);
    for (const [at, line] of card.lines.entries()) setText(line, lines[at] ?? '');
  };
  return {
    show({ listeners, endpoints, waiting }) {
      const { prefix, baseline } = compared(listeners);
      show('saved', percent(share(prefix)), saved(prefix), baseline && `${percent(share(baseline))} on ${baseline.name}`);
      show('ttft', duration(prefix?.ttft_p50_ms), sooner(prefix, baseline), tails(prefix, baseline));
      const inFlight = endpoints.reduce((sum, each) => sum + each.in_flight, 0);
      const perS = listeners.reduce((sum, each) => sum + each.requests_per_s, 0);
      show('endpoints', `${endpoints.filter(({ because }) => because === '').length} of ${endpoints.length}`, `${count(inFlight)} in flight, ${count(waiting)} waiting`, `${rate(perS)} requests/s`);
      show('error', percent(prefix?.error_ratio, 2), error(prefix), prefix && prefix.predicted_hit_ratio !== null && `predicted ${percent(prefix.predicted_hit_ratio)}, reported ${percent(prefix.reported_hit_ratio)}`);
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

function sooner(prefix, baseline) {
  if (!prefix || prefix.ttft_p50_ms === null) return 'No first token within the last minute.';
  if (!baseline || baseline.ttft_p50_ms === null) return `on ${prefix.name}, last minute`;
  const ratio = prefix.ttft_p50_ms / baseline.ttft_p50_ms;
  const how = ratio <= 1 ? `${percent(1 - ratio, 0)} sooner` : `${percent(ratio - 1, 0)} later`;
  return `${how} than on ${baseline.name}: ${duration(baseline.ttft_p50_ms)}`;
}

function tails(prefix, baseline) {
  if (!prefix || prefix.ttft_p90_ms === null) return '';
  return `p90 ${duration(prefix.ttft_p90_ms)}${baseline && baseline.ttft_p90_ms !== null ? `, ${baseline.name} ${duration(baseline.ttft_p90_ms)}` : ''}`;
}

function error(prefix) {
  if (!prefix || prefix.error_ratio === null) return 'No answer said what it reused within the last minute.';
  return 'of prompt tokens, last minute';
}
