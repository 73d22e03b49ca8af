// main.js: what the router tells, to those who show it.

import { createCharts } from './charts.js';
import { createChoices } from './choices.js';
import { byId, setAttribute, setText } from './dom.js';
import { createEndpoints } from './endpoints.js';
import { createHeadline } from './headline.js';
import { createReasons } from './reasons.js';
import { follow } from './stream.js';
import { timeOfDay } from './words.js';

const headline = createHeadline();
const charts = createCharts();
const endpoints = createEndpoints();
const reasons = createReasons();
const choices = createChoices({ onOpen: (choice) => reasons.open(choice), onChange: (choice) => reasons.update(choice) });

let columns = [];
let process;

const handlers = {
  hello(hello) {
    columns = hello.endpoint_columns;
    setText(byId('version'), hello.version);
    // Another process counts its choices from 1 again.
    if (process !== undefined && process !== hello.process) {
      choices.clear();
      reasons.keep();
    }
    process = hello.process;
  },
  snapshot(told) {
    const snapshot = { ...told, endpoints: told.endpoints.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]]))) };
    headline.show(snapshot);
    charts.add(snapshot);
    endpoints.show(snapshot.endpoints);
    choices.tick();
  },
  choice: (choice) => choices.add(choice),
  ended: (head) => choices.end(head),
  forgotten: (gone) => choices.forget(gone),
  skipped: ({ choices: skipped }) => choices.skip(skipped),
};

const WORDS = {
  live: () => 'Live',
  lost: (since) => `Lost the router at ${since}. What you see is from then. Trying again …`,
  refused: () => 'The router is there, but sends no numbers: 16 pages at most may be open. Trying again …',
  token: () => 'The router wants its token.',
  forbidden: () => 'Nothing is shown here: admin.token is not configured, and admin.host is no loopback address.',
};
let shown = 'connecting';

function onState(state) {
  if (state === shown) return;
  shown = state;
  setText(byId('connection'), WORDS[state](timeOfDay(Date.now())));
  setAttribute(byId('connection'), 'data-state', state);
  setAttribute(document.body, 'data-state', state);
}

follow({ onEvent: (name, data) => handlers[name](data), onState });
