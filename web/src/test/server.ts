/** Mock gateway for component tests: it answers only what a test has prepared. */

import { http, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';

export const server = setupServer();

/** Error response in the format of the gateway and the services. */
export function refusal(status: number, reason: string, fields: Record<string, string> = {}): HttpResponse<object> {
  const violations = Object.entries(fields).map(([field, description]) => ({ field, description }));
  const details = [
    { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'igemoji' },
    ...(violations.length > 0
      ? [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', field_violations: violations }]
      : []),
  ];
  return HttpResponse.json({ code: 3, message: reason, details }, { status });
}

export { http, HttpResponse };
