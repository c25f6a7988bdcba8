import { expect, test } from 'vitest';

import { makeStore } from '@/app/store';
import { firstLanguage, languageChosen } from './i18n';

test.each([
  [['ko-KR', 'en-US'], 'ko'],
  [['fr-FR', 'en-GB', 'ko'], 'en'],
  [['fr-FR', 'ko'], 'ko'],
  [['fr-FR'], 'en'],
  [[], 'en'],
])('a browser that wants %j gets %s', (wanted, language) => {
  expect(firstLanguage(wanted)).toBe(language);
});

test('the language that was chosen stays chosen', () => {
  makeStore().dispatch(languageChosen('ko'));
  expect(firstLanguage(['en'])).toBe('ko');
});
