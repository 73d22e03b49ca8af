// words.js: numbers with their units, and states in words.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const millions = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const NOTHING = '–';

export function count(number) {
  return number === null || number === undefined ? NOTHING : whole.format(number);
}

/** As many digits as are of interest. */
export function amount(number) {
  return number < 1e7 ? whole.format(number) : `${millions.format(number / 1e6)} M`;
}

export function percent(ratio, digits = 1) {
  return ratio === null || ratio === undefined ? NOTHING : `${(ratio * 100).toFixed(digits)} %`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return ms < 100_000 ? `${(ms / 1000).toFixed(2)} s` : `${whole.format(ms / 1000)} s`;
}

export function rate(perS) {
  if (perS === 0) return '0';
  return perS < 10 ? perS.toFixed(2) : whole.format(perS);
}

export function timeOfDay(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

const REASONS = {
  unhealthy: 'unhealthy: its probes fail',
  ejected: 'ejected: it failed, and gets no request for a while',
  trial: 'on trial: one request decides whether it is back',
  asleep: 'asleep: its engine sleeps',
  paused: 'paused: its engine lets requests wait',
  model: 'does not serve the model',
  full: 'full: as many requests in flight as it may have',
  tried: 'tried before by this request',
  elsewhere: 'another endpoint has the answer that the request continues',
  tenant: 'is not one of the tenant’s',
  'router full': 'the router has as many requests in flight as it may have',
  'gives way': 'gives way to more important requests',
};
const DRAINED_BY = { admin: 'an operator drains it', source: 'no source names it any more' };

/** Why an endpoint gets no request; empty when it may get one. */
export function reason(because) {
  if (because === 'draining') return 'draining';
  return REASONS[because] ?? because;
}

export function state({ because, draining_by: drainingBy }) {
  const drained = drainingBy.map((who) => DRAINED_BY[who] ?? who).join(', ');
  if (because === 'draining') return `draining: ${drained}`;
  if (because === '') return 'available';
  return drained === '' ? reason(because) : `${reason(because)}; ${drained}`;
}

const OUTCOMES = { client_gone: 'client left', failed: 'failed midway', lost: 'endpoint gone', forgotten: 'not kept' };

export function outcome(kind) {
  return OUTCOMES[kind] ?? kind;
}
