// choices.js: the last choices, newest first, each a row that opens its reasons.

import { byId, el, setAttribute, setText } from './dom.js';
import { count, duration, outcome, percent, timeOfDay } from './words.js';

const ROWS_MAX = 40;

const COLUMNS = [
  { title: 'Endpoint', text: ({ endpoint }) => endpoint, isText: true, isName: true },
  { title: 'Listener', text: ({ listener }) => listener, isText: true },
  { title: 'Prompt tokens', text: (choice) => count(choice.prompt_tokens) },
  { title: 'Held', text: (choice) => percent(choice.match_ratio, 0) },
  { title: 'Cached predicted', text: (choice) => count(choice.predicted_cached_tokens) },
  { title: 'Cached reported', text: (choice) => count(choice.reported_cached_tokens) },
  { title: 'TTFT', text: (choice) => duration(choice.ttft_ms) },
  { title: 'Outcome', text: (choice) => outcome(choice.outcome), isText: true },
  { title: 'Why', text: (choice) => choice.sentence, isText: true, isLong: true },
];

/** `onOpen(choice)`: someone wants to know why; `onChange(choice)`: it is over. */
export function createChoices({ onOpen, onChange }) {
  const rows = new Map();
  /** Newest last; not shown while somebody looks, so that nothing moves away under his hand. */
  let held = [];
  /** Since the last tick. */
  let made = 0;
  let skipped = 0;
  const body = el('tbody');
  const region = byId('choices');
  const pause = byId('pause');
  const empty = el('p', { className: 'note' }, 'No request was routed yet.');
  region.append(
    el('table', {}, el('thead', {}, el('tr', {}, el('th', { scope: 'col', className: 'text' }, 'Time'), ...COLUMNS.map(({ title, isText }) => el('th', { scope: 'col', className: isText ? 'text' : '' }, title)))), body),
    empty,
  );

  const isPaused = () => pause.getAttribute('aria-pressed') === 'true';
  const isWatched = () => isPaused() || body.matches(':hover') || body.contains(document.activeElement) || byId('reasons').open;
  pause.addEventListener('click', () => {
    setAttribute(pause, 'aria-pressed', String(!isPaused()));
    setText(pause, isPaused() ? 'Go on' : 'Pause');
    release();
  });

  /** Newest first: a stream that is opened again tells of some that were left out before. */
  const insert = (choice) => {
    const row = createRow(choice, onOpen);
    rows.set(choice.seq, row);
    body.insertBefore(row.node, [...body.children].find(({ dataset }) => Number(dataset.seq) < choice.seq) ?? null);
    while (body.children.length > ROWS_MAX) {
      rows.delete(Number(body.lastElementChild.dataset.seq));
      body.lastElementChild.remove();
    }
  };
  const release = () => {
    if (isWatched()) return;
    for (const choice of held) insert(choice);
    held = [];
    empty.hidden = body.children.length > 0;
  };

  /** Whether it was known. */
  const update = (news) => {
    const waiting = held.findIndex(({ seq }) => seq === news.seq);
    if (waiting >= 0) held[waiting] = { ...held[waiting], ...news };
    const choice = rows.get(news.seq)?.update(news);
    if (choice !== undefined) onChange(choice);
    return waiting >= 0 || choice !== undefined;
  };

  return {
    add(choice) {
      // What is told again may have ended while nobody listened.
      if (update(choice)) return;
      made += 1;
      held = [...held, choice].slice(-ROWS_MAX);
      release();
    },
    end: (head) => void update(head),
    /** Nobody knows any more how it ended. */
    forget: ({ seq }) => void update({ seq, outcome: 'forgotten' }),
    skip(choices) {
      made += choices;
      skipped += choices;
    },
    /** Once a second. */
    tick() {
      release();
      const much = skipped > 0 ? `${count(made)} choices a second: ${count(made - skipped)} of them are shown. ` : '';
      setText(byId('choices-note'), `${much}${held.length > 0 ? `${held.length === ROWS_MAX ? `${ROWS_MAX} and more` : held.length} newer, held back while you look.` : ''}`);
      made = 0;
      skipped = 0;
    },
    clear() {
      rows.clear();
      held = [];
      body.replaceChildren();
      empty.hidden = false;
    },
  };
}

function createRow(first, onOpen) {
  let choice = first;
  const open = el('button', { type: 'button', 'aria-haspopup': 'dialog', onclick: () => onOpen(choice) }, timeOfDay(Date.parse(choice.at)), el('span', { className: 'unseen' }, `, why ${choice.endpoint}?`));
  const cells = COLUMNS.map(({ isText, isLong, isName, text }) => el('td', { className: `${isText ? 'text' : ''}${isLong ? ' long' : ''}` }, ...(isName ? [el('span', { className: 'name' }, text(choice))] : [])));
  const node = el('tr', { 'data-seq': String(choice.seq), 'data-request': choice.request }, el('td', { className: 'text' }, open), ...cells);
  const show = () => {
    for (const [at, { text }] of COLUMNS.entries()) setText(cells[at], text(choice));
    setAttribute(node, 'data-outcome', choice.outcome);
  };
  show();
  return {
    node,
    update(head) {
      choice = { ...choice, ...head };
      show();
      return choice;
    },
  };
}
