/** Validation of account data before it is sent, by the rules of the contract. */

const ALIAS = /^[0-9A-Za-z가-힣]{2,20}$/;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const MIN_PASSWORD_CHARACTERS = 8;
const MAX_PASSWORD_BYTES = 72;

export type AccountDataError = 'emailInvalid' | 'aliasInvalid' | 'passwordShort' | 'passwordLong';

export function validateEmail(email: string): AccountDataError | null {
  return EMAIL.test(email) && email.length <= 254 ? null : 'emailInvalid';
}

export function validateAlias(alias: string): AccountDataError | null {
  return ALIAS.test(alias) ? null : 'aliasInvalid';
}

export function validatePassword(password: string): AccountDataError | null {
  if ([...password].length < MIN_PASSWORD_CHARACTERS) return 'passwordShort';
  return new TextEncoder().encode(password).length > MAX_PASSWORD_BYTES ? 'passwordLong' : null;
}
