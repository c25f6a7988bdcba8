/** What went wrong, from whatever shape an error came in. */

import type { FetchBaseQueryError } from '@reduxjs/toolkit/query';
import type { SerializedError } from '@reduxjs/toolkit';

import type { Status } from './schema';

export interface Problem {
  /** Of HTTP; 0 where no answer came. */
  status: number;
  /** For programs, such as `EMOJI_NOT_FOUND`; empty where there is none. */
  reason: string;
  /** The server's sentence, in English. */
  message: string;
  /** What is wrong with which field. */
  fields: Record<string, string>;
}

export type ApiError = FetchBaseQueryError | SerializedError | undefined;

export function problemOf(error: unknown): Problem {
  if (isFetchError(error)) {
    if (typeof error.status !== 'number') return problem(error.status === 'PARSING_ERROR' ? error.originalStatus : 0);
    return fromStatus(error.status, error.data);
  }
  return problem(0, error instanceof Error ? error.message : '');
}

/** For an answer of `fetch` that is not ok. */
export async function problemOfResponse(answer: Response): Promise<Problem> {
  try {
    return fromStatus(answer.status, await answer.json());
  } catch {
    return problem(answer.status);
  }
}

export function fromStatus(status: number, data: unknown): Problem {
  if (typeof data !== 'object' || data === null || !('details' in data)) return problem(status);
  const { message, details = [] } = data as Status;
  const reason = details.find((detail) => detail.reason)?.reason ?? '';
  const violations = details.flatMap((detail) => detail.field_violations ?? []);
  const fields = Object.fromEntries(violations.map(({ field = '', description = '' }) => [field, description]));
  return { status, reason, message, fields };
}

function problem(status: number, message = ''): Problem {
  return { status, reason: '', message, fields: {} };
}

function isFetchError(error: unknown): error is FetchBaseQueryError {
  return typeof error === 'object' && error !== null && 'status' in error;
}
