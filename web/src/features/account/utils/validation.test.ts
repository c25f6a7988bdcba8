import { describe, expect, test } from 'vitest';

import { aliasFault, emailFault, passwordFault } from './validation';

describe('what an account may look like', () => {
  test.each(['민지', 'ab', 'Minji22', '가'.repeat(20)])('%s is an alias', (alias) => {
    expect(aliasFault(alias)).toBeNull();
  });

  test.each(['', 'a', '가'.repeat(21), 'with space', '이모지😀', 'ㅋㅋ'])('%j is none', (alias) => {
    expect(aliasFault(alias)).toBe('aliasInvalid');
  });

  test.each(['minji@example.org', 'a+b@c.kr'])('%s is an address', (email) => {
    expect(emailFault(email)).toBeNull();
  });

  test.each(['', 'minji', 'minji@', '@example.org', 'a b@c.kr', `${'a'.repeat(250)}@c.kr`])('%j is none', (email) => {
    expect(emailFault(email)).toBe('emailInvalid');
  });

  test('a password counts characters for being short and bytes for being long', () => {
    expect(passwordFault('1234567')).toBe('passwordShort');
    expect(passwordFault('😀'.repeat(7))).toBe('passwordShort');
    expect(passwordFault('가'.repeat(24))).toBeNull(); // 72 bytes
    expect(passwordFault('가'.repeat(25))).toBe('passwordLong');
  });
});
