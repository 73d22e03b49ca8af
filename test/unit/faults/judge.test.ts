import { test } from 'tap';
import { judge, type Seen } from '../../../bench/faults/judge.ts';

const ANSWER = 'one two three';

function event(fields: object): string {
  return `data: ${JSON.stringify(fields)}\n\n`;
}

function delta(content: string, finish_reason: string | null = null): string {
  return event({ choices: [{ delta: { content }, finish_reason }] });
}

const WHOLE = `${delta('one')}${delta(' two')}${delta(' three', 'length')}data: [DONE]\n\n`;
const ERROR = event({ error: { message: 'x' } });

function stream(text: string, more: Partial<Seen> = {}): string {
  return judge({ status: 200, retryAfter: undefined, text, end: 'clean', ...more }, ANSWER, true);
}

function whole(text: string, more: Partial<Seen> = {}): string {
  return judge({ status: 200, retryAfter: undefined, text, end: 'clean', ...more }, ANSWER, false);
}

test('a stream is answered only with its text, its reason and its terminal event', (t) => {
  t.equal(stream(WHOLE), 'answered');
  t.equal(stream(WHOLE.replace('data: [DONE]\n\n', '')), 'silent', 'no terminal event');
  t.equal(stream(`${delta('one')}data: [DONE]\n\n`), 'silent', 'short, with a terminal event');
  t.equal(stream(''), 'silent');
  t.equal(stream(delta('one'), { end: 'cut' }), 'lost');
  t.equal(stream(`${delta('one')}${ERROR}`, { end: 'cut' }), 'told');
  t.equal(stream(`${delta('one')}${delta('', 'abort')}data: [DONE]\n\n`), 'told', 'by the engine itself');
  t.equal(stream(`${delta('', 'abort')}data: [DONE]\n\n`), 'silent', 'an abort before anything came should have been tried elsewhere');
  t.equal(stream(WHOLE, { end: 'given up' }), 'hung');
  t.end();
});

test('bytes of another conversation are mixed, whatever else is right', (t) => {
  t.equal(stream(WHOLE.replace('two', 'six')), 'mixed');
  t.equal(stream(`${delta('two')}${ERROR}`, { end: 'cut' }), 'mixed');
  t.equal(whole(JSON.stringify({ choices: [{ message: { content: 'one six' }, finish_reason: 'length' }] })), 'mixed');
  t.end();
});

test('an answer in one piece is answered, refused with a body that says so, or lost', (t) => {
  t.equal(whole(JSON.stringify({ choices: [{ message: { content: ANSWER }, finish_reason: 'length' }] })), 'answered');
  t.equal(whole(JSON.stringify({ choices: [{ message: { content: '' }, finish_reason: 'abort' }] })), 'silent');
  t.equal(whole('{"choices":[', { end: 'cut' }), 'lost');
  t.equal(whole('{"error":{"message":"x"}}', { status: 503 }), 'refused');
  t.equal(whole('', { status: 503 }), 'lost', 'an error without a word');
  t.equal(whole('', { status: 0, end: 'cut' }), 'lost');
  t.end();
});
