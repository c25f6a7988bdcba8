/** Errors of calls in one shape, whatever they came from. */

import type { FetchBaseQueryError } from '@reduxjs/toolkit/query';

import type { Status } from './schema';

export interface ApiError {
  /** HTTP status; 0 if there was no answer. */
  status: number;
  /** Machine-readable, such as `EMOJI_NOT_FOUND`; empty if there is none. */
  reason: string;
  /** The server's sentence, in English. */
  message: string;
  /** Description of the violation by field name. */
  fields: Record<string, string>;
}

/** Convert an error of RTK Query or of JavaScript. */
export function toApiError(error: unknown): ApiError {
  if (isFetchError(error)) {
    if (typeof error.status !== 'number') return apiError(error.status === 'PARSING_ERROR' ? error.originalStatus : 0);
    return parseApiError(error.status, error.data);
  }
  return apiError(0, error instanceof Error ? error.message : '');
}

/** Convert a response of `fetch` that is not ok. */
export async function responseToApiError(response: Response): Promise<ApiError> {
  try {
    return parseApiError(response.status, await response.json());
  } catch {
    return apiError(response.status);
  }
}

/** Parse the body of an error response (`google.rpc.Status` as JSON). */
export function parseApiError(status: number, body: unknown): ApiError {
  if (typeof body !== 'object' || body === null || !('details' in body)) return apiError(status);
  const { message, details = [] } = body as Status;
  const reason = details.find((detail) => detail.reason)?.reason ?? '';
  const violations = details.flatMap((detail) => detail.field_violations ?? []);
  const fields = Object.fromEntries(violations.map(({ field = '', description = '' }) => [field, description]));
  return { status, reason, message, fields };
}

/** Return whether the server says that the resource does not exist. An ID of the wrong form is answered 400. */
export function isNotFound(error: unknown): boolean {
  return [400, 404].includes(toApiError(error).status);
}

function apiError(status: number, message = ''): ApiError {
  return { status, reason: '', message, fields: {} };
}

function isFetchError(error: unknown): error is FetchBaseQueryError {
  return typeof error === 'object' && error !== null && 'status' in error;
}
