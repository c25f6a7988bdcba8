import { expect, test } from 'vitest';

import { toApiError, responseToApiError } from './apiErrors';

const details = [
  { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'INVALID', domain: 'igemoji' },
  {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    field_violations: [{ field: 'name', description: 'too long' }],
  },
];

test('an error of the contract has its reason and fields', () => {
  const error = { status: 400, data: { code: 3, message: 'No.', details } };
  expect(toApiError(error)).toEqual({ status: 400, reason: 'INVALID', message: 'No.', fields: { name: 'too long' } });
});

test('a missing answer has status 0', () => {
  expect(toApiError({ status: 'FETCH_ERROR', error: 'TypeError' })).toMatchObject({ status: 0, reason: '' });
  expect(toApiError(undefined)).toMatchObject({ status: 0 });
});

test('an HTML answer of a proxy keeps its status', async () => {
  expect(await responseToApiError(new Response('<html>', { status: 502 }))).toMatchObject({ status: 502, reason: '' });
  expect(toApiError({ status: 'PARSING_ERROR', originalStatus: 502, data: '<html>', error: '' })).toMatchObject({
    status: 502,
  });
});
