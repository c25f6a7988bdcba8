import { expect, test } from 'vitest';

import { makeStore } from '@/test/store';

import { initialLanguage, languageChosen } from './i18n';

test.each([
  [['ko-KR', 'en-US'], 'ko'],
  [['fr-FR', 'en-GB', 'ko'], 'en'],
  [['fr-FR', 'ko'], 'ko'],
  [['fr-FR'], 'en'],
  [[], 'en'],
])('languages %j give %s', (wanted, language) => {
  expect(initialLanguage(wanted)).toBe(language);
});

test('a chosen language is stored', () => {
  makeStore().dispatch(languageChosen('ko'));
  expect(initialLanguage(['en'])).toBe('ko');
});
