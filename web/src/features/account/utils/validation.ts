/** What an account may look like: as the contract has it, said before the server has to. */

const ALIAS = /^[0-9A-Za-z가-힣]{2,20}$/;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const PASSWORD_CHARACTERS = 8;
const PASSWORD_BYTES = 72;

export type Fault = 'emailInvalid' | 'aliasInvalid' | 'passwordShort' | 'passwordLong';

export function emailFault(email: string): Fault | null {
  return EMAIL.test(email) && email.length <= 254 ? null : 'emailInvalid';
}

export function aliasFault(alias: string): Fault | null {
  return ALIAS.test(alias) ? null : 'aliasInvalid';
}

export function passwordFault(password: string): Fault | null {
  if ([...password].length < PASSWORD_CHARACTERS) return 'passwordShort';
  return new TextEncoder().encode(password).length > PASSWORD_BYTES ? 'passwordLong' : null;
}
