import { expect, test } from 'vitest';

import { problemOf, problemOfResponse } from './apiErrors';

const details = [
  { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'INVALID', domain: 'igemoji' },
  {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    field_violations: [{ field: 'name', description: 'too long' }],
  },
];

test('an error of the contract is its reason and its fields', () => {
  const error = { status: 400, data: { code: 3, message: 'No.', details } };
  expect(problemOf(error)).toEqual({ status: 400, reason: 'INVALID', message: 'No.', fields: { name: 'too long' } });
});

test('no answer at all is status 0', () => {
  expect(problemOf({ status: 'FETCH_ERROR', error: 'TypeError' })).toMatchObject({ status: 0, reason: '' });
  expect(problemOf(undefined)).toMatchObject({ status: 0 });
});

test('an answer of something in between, in HTML, keeps its status', async () => {
  expect(await problemOfResponse(new Response('<html>', { status: 502 }))).toMatchObject({ status: 502, reason: '' });
  expect(problemOf({ status: 'PARSING_ERROR', originalStatus: 502, data: '<html>', error: '' })).toMatchObject({
    status: 502,
  });
});
