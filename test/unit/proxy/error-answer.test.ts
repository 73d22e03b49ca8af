// The router's own errors, in the shape of each API.

import { test } from 'tap';
import type { Surface } from '../../../src/core/request.ts';
import { errorBody, errorEvent } from '../../../src/proxy/error-answer.ts';
import { SURFACES } from '../../support/surfaces.ts';

const STATUSES = [[400, 'invalid_request_error', 'invalid_request_error'], [401, 'authentication_error', 'authentication_error'], [404, 'not_found_error', 'not_found_error'], [405, 'invalid_request_error', 'invalid_request_error'], [408, 'invalid_request_error', 'invalid_request_error'], [413, 'invalid_request_error', 'request_too_large'], [417, 'invalid_request_error', 'invalid_request_error'], [431, 'invalid_request_error', 'invalid_request_error'], [429, 'rate_limit_error', 'rate_limit_error'], [500, 'server_error', 'api_error'], [502, 'server_error', 'api_error'], [503, 'server_error', 'overloaded_error'], [504, 'server_error', 'timeout_error']] as const;

for (const [status, openai, anthropic] of STATUSES) {
  test(`${status} is ${openai} for OpenAI's clients and ${anthropic} for Anthropic's`, (t) => {
    const answer = { status, message: 'a "quoted" reason', code: 'a_code', param: 'model' };
    for (const surface of ['chat', 'completions', 'responses', undefined] as const) {
      t.same(JSON.parse(errorBody(surface, answer)), { error: { message: 'a "quoted" reason', type: openai, param: 'model', code: 'a_code' } });
    }
    t.same(JSON.parse(errorBody('messages', answer)), { type: 'error', error: { type: anthropic, message: 'a "quoted" reason' } });
    t.end();
  });
}

test('without a field to blame, param is null', (t) => {
  t.match(JSON.parse(errorBody('chat', { status: 400, message: 'm', code: 'c' })), { error: { param: null } });
  t.end();
});

for (const { name, errorEvent: wanted } of SURFACES) {
  test(`${name}: the event that tells of a broken stream is one whole event and no terminal one`, (t) => {
    t.match(errorEvent(name as Surface, 'It broke.'), wanted);
    t.notMatch(errorEvent(name as Surface, 'two\nlines'), /two\nlines/);
    t.end();
  });
}
