// reasons.js: why one request went where it did: the sentence, the facts, and every candidate that was looked at.

import { byId, el } from './dom.js';
import { count, duration, outcome, percent, reason } from './words.js';

const COLUMNS = [
  ['Held tokens', (each) => count(each.matched_tokens)],
  ['Held', (each) => percent(each.match_ratio, 0)],
  ['To compute', (each) => count(each.uncached_tokens)],
  ['Queued', (each) => count(each.queued_tokens)],
  ['In flight', (each) => count(each.in_flight)],
  ['Pressure', (each) => each.pressure.toFixed(2)],
  ['Inserted', (each) => count(each.inserted_tokens)],
  ['Overfull', (each) => count(each.overfull_tokens)],
  ['Cost', (each) => count(each.cost)],
];

export function createReasons() {
  const dialog = byId('reasons');
  let shown;
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  const head = el('div');
  const show = (choice) => {
    shown = choice;
    head.replaceChildren(
      el('h2', { id: 'reasons-title' }, `Why ${choice.endpoint}?`),
      el('p', { className: 'sentence' }, choice.sentence),
      facts([
        ['Request', choice.request],
        ['Trace', choice.trace_id],
        ['Model', choice.model],
        ['Listener', `${choice.listener}, ${choice.policy}`],
        ['Prompt', `${count(choice.prompt_tokens)} tokens in ${count(choice.blocks)} blocks`],
        ['Cached tokens', `${count(choice.predicted_cached_tokens)} predicted, ${reported(choice)}`],
        ['Runner-up', choice.runner_up ?? '–'],
        ['Outcome', `${outcome(choice.outcome)}${choice.duration_ms === null ? '' : ` after ${duration(choice.duration_ms)}`}${choice.ttft_ms === null ? '' : `, first token after ${duration(choice.ttft_ms)}`}`],
      ]),
    );
  };
  return {
    open(choice) {
      show(choice);
      dialog.replaceChildren(head, candidates(choice), el('div', { className: 'buttons' }, el('button', { type: 'button', autofocus: true, onclick: () => dialog.close() }, 'Close')));
      dialog.showModal();
      // The button that has the focus is at the end, the sentence at the beginning.
      dialog.scrollTop = 0;
    },
    /** What is open stays as it is: its router is gone, and the next one counts its choices from 1 again. */
    keep() {
      shown = undefined;
    },
    /** It is over while someone looks at it. */
    update(choice) {
      if (dialog.open && shown?.seq === choice.seq) show(choice);
    },
  };
}

function reported({ outcome: kind, reported_cached_tokens: tokens }) {
  if (tokens !== null) return `${count(tokens)} reported`;
  return kind === 'running' ? 'not reported yet' : 'not reported';
}

const COST = '(queued ÷ 3 + to compute + overfull + pressure × inserted ÷ 2 + 256) × (in flight + 1), in tokens × requests';

function facts(pairs) {
  return el('dl', {}, ...pairs.filter(([, value]) => value !== '').map(([term, value]) => el('div', {}, el('dt', {}, term), el('dd', {}, value))));
}

function candidates(choice) {
  const headRow = el('tr', {}, el('th', { scope: 'col', className: 'text' }, 'Endpoint'), ...COLUMNS.map(([title]) => el('th', { scope: 'col' }, title)));
  const rows = choice.candidates.map((each) => {
    const name = el('th', { scope: 'row' }, el('span', { className: 'name' }, each.endpoint));
    const chosen = each.endpoint === choice.endpoint;
    if (!each.available) return el('tr', { className: 'out' }, name, el('td', { className: 'text', colSpan: COLUMNS.length }, reason(each.because)));
    return el('tr', { className: chosen ? 'chosen' : '', 'aria-current': chosen ? 'true' : undefined }, name, ...COLUMNS.map(([, text]) => el('td', {}, text(each))));
  });
  const more = choice.candidates_total - choice.candidates.length;
  return el('div', {},
    el('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Candidates' }, el('table', {}, el('thead', {}, headRow), el('tbody', {}, ...rows))),
    el('p', { className: 'note' }, `${more > 0 ? `${choice.candidates.length} of ${choice.candidates_total} endpoints: the cheapest, and some that were not available. ` : ''}${choice.policy === 'prefix-cost' ? 'Cost' : `${choice.policy} does not go by the cost`}: ${COST}.`),
  );
}
