import { IdempotencyKeys } from './idempotency';

/** State that the calls of one store share. Thunks and queries get it as their extra argument. */
export class ApiClient {
  readonly idempotencyKeys = new IdempotencyKeys();
  /** The renewal of the access token that is under way: all calls that were refused wait for it. */
  renewal: Promise<boolean> | null = null;
}
