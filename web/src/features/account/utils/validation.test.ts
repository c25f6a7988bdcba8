import { describe, expect, test } from 'vitest';

import { validateAlias, validateEmail, validatePassword } from './validation';

describe('account data', () => {
  test.each(['민지', 'ab', 'Minji22', '가'.repeat(20)])('%s is a valid alias', (alias) => {
    expect(validateAlias(alias)).toBeNull();
  });

  test.each(['', 'a', '가'.repeat(21), 'with space', '이모지😀', 'ㅋㅋ'])('%j is an invalid alias', (alias) => {
    expect(validateAlias(alias)).toBe('aliasInvalid');
  });

  test.each(['minji@example.org', 'a+b@c.kr'])('%s is a valid address', (email) => {
    expect(validateEmail(email)).toBeNull();
  });

  test.each(['', 'minji', 'minji@', '@example.org', 'a b@c.kr', `${'a'.repeat(250)}@c.kr`])(
    '%j is an invalid address',
    (email) => {
      expect(validateEmail(email)).toBe('emailInvalid');
    },
  );

  test('a password has a minimum of characters and a maximum of bytes', () => {
    expect(validatePassword('1234567')).toBe('passwordShort');
    expect(validatePassword('😀'.repeat(7))).toBe('passwordShort');
    expect(validatePassword('가'.repeat(24))).toBeNull(); // 72 bytes
    expect(validatePassword('가'.repeat(25))).toBe('passwordLong');
  });
});
