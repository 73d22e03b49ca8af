// endpoints.js: the table of endpoints: updated in place, sorted and searched, with a button to drain each.

import { post } from './admin.js';
import { byId, el, setAttribute, setText } from './dom.js';
import { count, duration, percent, rate, state } from './words.js';

const COLUMNS = [
  { key: 'id', title: 'Endpoint', text: ({ id }) => id, isText: true },
  { key: 'state', title: 'State', text: state, isText: true },
  { key: 'in_flight', title: 'In flight', text: (each) => count(each.in_flight) },
  { key: 'queued_tokens', title: 'Queued tokens', text: (each) => count(each.queued_tokens) },
  { key: 'kv_usage', title: 'KV usage', text: (each) => percent(each.kv_usage), bar: (each) => each.kv_usage },
  { key: 'predicted_hit_ratio', title: 'Hit ratio predicted', text: (each) => percent(each.predicted_hit_ratio) },
  { key: 'reported_hit_ratio', title: 'Hit ratio reported', text: (each) => percent(each.reported_hit_ratio), bar: (each) => each.reported_hit_ratio },
  { key: 'ttft_p50_ms', title: 'TTFT p50', text: (each) => duration(each.ttft_p50_ms) },
  { key: 'requests_per_s', title: 'Requests/s', text: (each) => rate(each.requests_per_s) },
  { key: 'index_tokens', title: 'Held tokens', text: (each) => count(each.index_tokens) },
  { key: 'capacity_tokens', title: 'Capacity, tokens', text: (each) => count(each.capacity_tokens) },
];
/** Fewer are seen at a glance. */
const SEARCHED_FROM = 8;

export function createEndpoints() {
  const rows = new Map();
  let shown = [];
  let sorted = { key: 'state', descending: false };
  let wanted = '';

  const body = el('tbody');
  const heads = COLUMNS.map((column) => {
    const head = el('th', { scope: 'col', className: column.isText ? 'text' : '' });
    head.append(el('button', { type: 'button', onclick: () => sortBy(column) }, column.title));
    return head;
  });
  byId('endpoints').append(el('table', {}, el('thead', {}, el('tr', {}, ...heads, el('th', { scope: 'col' }, el('span', { className: 'unseen' }, 'Drain')))), body));
  byId('filter').hidden = true;
  byId('filter').addEventListener('input', ({ target }) => {
    wanted = target.value.trim().toLowerCase();
    arrange();
  });

  const sortBy = ({ key, isText }) => {
    sorted = { key, descending: sorted.key === key ? !sorted.descending : !isText };
    arrange();
  };

  const arrange = () => {
    for (const [at, { key }] of COLUMNS.entries()) {
      const direction = sorted.descending ? 'descending' : 'ascending';
      setAttribute(heads[at], 'aria-sort', key === sorted.key ? direction : 'none');
    }
    const focused = document.activeElement;
    const nodes = shown.toSorted(order(sorted)).map(({ id }) => rows.get(id).node);
    for (const [at, node] of nodes.entries()) if (body.children[at] !== node) body.insertBefore(node, body.children[at] ?? null);
    for (const each of shown) rows.get(each.id).node.hidden = wanted !== '' && !`${each.id} ${each.pool} ${state(each)}`.toLowerCase().includes(wanted);
    if (focused !== document.activeElement && body.contains(focused)) focused.focus();
  };

  return {
    show(endpoints) {
      shown = endpoints;
      byId('filter').hidden = endpoints.length < SEARCHED_FROM;
      const known = new Set(endpoints.map(({ id }) => id));
      for (const [id, { node }] of rows) {
        if (known.has(id)) continue;
        node.remove();
        rows.delete(id);
      }
      for (const each of endpoints) {
        if (!rows.has(each.id)) rows.set(each.id, createRow(each.id));
        rows.get(each.id).show(each);
      }
      arrange();
    },
  };
}

function createRow(id) {
  const cells = COLUMNS.map(({ isText }, at) => (at === 0 ? el('th', { scope: 'row' }, el('span', { className: 'name' }, id)) : el('td', { className: isText ? 'text' : '' })));
  let isDrained = false;
  const button = el('button', { type: 'button', onclick: () => drain(id, !isDrained, button) });
  return {
    node: el('tr', { 'data-endpoint': id }, ...cells, el('td', {}, button)),
    show(each) {
      for (const [at, { text, bar }] of COLUMNS.entries()) {
        setText(cells[at], text(each));
        if (bar !== undefined) cells[at].style.setProperty('--bar', `${Math.round((bar(each) ?? 0) * 100)}%`);
      }
      setAttribute(cells[0], 'title', `pool ${each.pool}`);
      setAttribute(cells[1], 'data-state', each.because === '' ? 'available' : each.because);
      isDrained = each.draining_by.includes('admin');
      setText(button, isDrained ? 'Undrain' : 'Drain');
      setAttribute(button, 'aria-label', `${isDrained ? 'Undrain' : 'Drain'} ${id}`);
    },
  };
}

async function drain(id, drained, button) {
  button.disabled = true;
  try {
    await post(`endpoints/${encodeURIComponent(id)}/${drained ? 'drain' : 'undrain'}`);
    setText(byId('drain-result'), drained ? `${id} gets no new requests; what it has in flight goes on.` : `${id} gets requests again.`);
  } catch (error) {
    setText(byId('drain-result'), `${id} is as it was: ${error.message}`);
  } finally {
    button.disabled = false;
    button.focus();
  }
}

/** What is wrong comes before what is available; what is not known comes last, either way. */
function order({ key, descending }) {
  const sign = descending ? -1 : 1;
  const value = (each) => (key === 'state' ? `${each.because === '' ? 1 : 0} ${state(each)}` : each[key]);
  const byId = (a, b) => a.id.localeCompare(b.id, 'en', { numeric: true });
  return (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === y) return byId(a, b);
    if (x === null || y === null) return x === null ? 1 : -1;
    return sign * (typeof x === 'string' ? x.localeCompare(y, 'en', { numeric: true }) : x - y);
  };
}
