// charts.js: four charts over the same five minutes.

import uPlot from './uplot.js';
import { byId, el, setAttribute, setText } from './dom.js';
import { History } from './history.js';
import { count, duration, percent } from './words.js';

const HEIGHT = 170;
const SPAN_S_MIN = 60;
const IN_FLIGHT_LINES_MAX = 6;
const COLOURS = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5', '--line-6'];
const DASH = [5, 4];

const ratios = (u, low, high) => [0, Math.min(1, Math.max(0.1, high * 1.15))];
const fromZero = (least) => (u, low, high) => [0, Math.max(least, high * 1.1)];

export function createCharts() {
  const history = new History();
  const charts = {
    ttft: createChart('Time to first token', 'p50 and p90 (dashed) by listener', duration, fromZero(10)),
    hits: createChart('Hit ratio', 'reported and predicted (dashed) by listener', percent, ratios),
    inFlight: createChart('In flight', 'the busiest endpoints', (value) => count(value), fromZero(4)),
    error: createChart('Prediction error', 'share of prompt tokens, by listener', (value) => percent(value, 2), fromZero(0.01)),
  };
  let inFlight = [];
  let drawn = 0;

  const draw = (listeners) => {
    const line = (key, label, colour, dash) => ({ label, colour, dash, values: history.column(key) });
    const byListener = (solid, dashed, label, otherLabel) => listeners.flatMap(({ name }, at) => {
      const lines = [line(`${solid} ${name}`, `${name}${label}`, COLOURS[at % COLOURS.length])];
      if (dashed) lines.push(line(`${dashed} ${name}`, `${name}${otherLabel}`, COLOURS[at % COLOURS.length], DASH));
      return lines;
    });
    charts.ttft.draw(history.times, byListener('ttft_p50_ms', 'ttft_p90_ms', ' p50', ' p90'));
    charts.hits.draw(history.times, byListener('reported_hit_ratio', 'predicted_hit_ratio', ' reported', ' predicted'));
    charts.error.draw(history.times, byListener('error_ratio', undefined, ''));
    charts.inFlight.draw(history.times, inFlight.map((key, at) => line(key, key.slice('in_flight '.length), COLOURS[at])));
  };

  let listeners = [];
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const chart of Object.values(charts)) chart.renew();
    draw(listeners);
  });

  return {
    add(snapshot) {
      listeners = snapshot.listeners;
      const values = new Map();
      for (const each of listeners) for (const key of ['ttft_p50_ms', 'ttft_p90_ms', 'reported_hit_ratio', 'predicted_hit_ratio', 'error_ratio']) values.set(`${key} ${each.name}`, each[key]);
      for (const each of snapshot.endpoints) values.set(`in_flight ${each.id}`, each.in_flight);
      history.add(snapshot.at / 1000, values);
      // Who is among the busiest changes slowly, so that lines keep their colours.
      if (drawn % 10 === 0 || inFlight.length < Math.min(IN_FLIGHT_LINES_MAX, snapshot.endpoints.length)) inFlight = history.greatest('in_flight ', IN_FLIGHT_LINES_MAX).toSorted();
      drawn += 1;
      draw(listeners);
    },
  };
}

function createChart(title, subtitle, format, range) {
  const plot = el('div', { className: 'plot' });
  const legend = el('ul', { className: 'legend' });
  const figure = el('figure', { role: 'group', 'aria-label': title }, el('figcaption', {}, el('strong', {}, title), ` ${subtitle}`), plot, legend);
  byId('charts').append(figure);
  let chart;
  let lines = [];
  let drawnLabels = '';
  let entries = [];

  const say = (at) => {
    for (const [i, { label, values }] of lines.entries()) {
      const index = at ?? values.findLastIndex((value) => value !== null);
      setText(entries[i].value, format(values[index] ?? null));
      setAttribute(entries[i].node, 'title', label);
    }
  };
  const build = () => {
    chart?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colourOf = (name) => style.getPropertyValue(name).trim();
    chart = new uPlot(optionsOf(lines, { width: plot.clientWidth, format, range, colourOf, onCursor: (at) => say(at) }), [[], ...lines.map(() => [])], plot);
    entries = lines.map(({ label, colour, dash }) => {
      const value = el('span', { className: 'value' });
      const swatch = el('span', { className: dash ? 'swatch dashed' : 'swatch' });
      swatch.style.setProperty('--colour', `var(${colour})`);
      return { value, node: el('li', {}, swatch, el('span', { className: 'label' }, label), value) };
    });
    legend.replaceChildren(...entries.map(({ node }) => node));
  };
  new ResizeObserver(() => {
    if (chart !== undefined && plot.clientWidth > 0 && plot.clientWidth !== chart.width) chart.setSize({ width: plot.clientWidth, height: HEIGHT });
  }).observe(plot);

  return {
    renew() {
      drawnLabels = '';
    },
    draw(times, given) {
      lines = given;
      const labels = JSON.stringify(lines.map(({ label, colour }) => [label, colour]));
      if (labels !== drawnLabels) build();
      drawnLabels = labels;
      chart.setData([times, ...lines.map(({ values }) => values)], true);
      if (chart.cursor.idx === null || chart.cursor.idx === undefined || chart.cursor.left < 0) say();
    },
  };
}

function optionsOf(lines, { width, format, range, colourOf, onCursor }) {
  const axis = { stroke: colourOf('--faint'), grid: { stroke: colourOf('--grid'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
  const onTheHour = (u, splits) => splits.map((timeS) => new Date(timeS * 1000).toLocaleTimeString('en-GB'));
  return {
    width,
    height: HEIGHT,
    padding: [10, 26, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { range: (u, first, last) => [Math.min(first, last - SPAN_S_MIN), last] }, y: { range } },
    axes: [
      { ...axis, values: onTheHour, space: 80, size: 26 },
      { ...axis, values: (u, splits) => splits.map((value) => format(value).replace(/(\.\d*?)0+(?= )/, '$1').replace(/\.(?= )/, '')), size: 58 },
    ],
    series: [{}, ...lines.map(({ label, colour, dash }) => ({ label, stroke: colourOf(colour), width: 1.75, dash, points: { show: false }, spanGaps: false }))],
    hooks: { setCursor: [(u) => onCursor(u.cursor.left < 0 ? undefined : (u.cursor.idx ?? undefined))] },
  };
}
