/** Messages in the languages of the app. Each feature defines its own; a missing one fails the type check. */

import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { useSelector } from 'react-redux';

export const LANGUAGES = { ko: '한국어', en: 'English' } as const;
export type Language = keyof typeof LANGUAGES;

type Message = string | ((...values: never[]) => string);
type Dictionary = Record<string, Message>;
type Translation<D extends Dictionary> = {
  [K in keyof D]: D[K] extends (...values: infer V) => string ? (...values: V) => string : string;
};

export type Messages<D extends Dictionary> = Record<Language, Translation<D>>;

/** Define the messages of a feature; the English ones determine the keys and parameters. */
export function defineMessages<D extends Dictionary>(messages: { en: D; ko: Translation<D> }): Messages<D> {
  return messages as unknown as Messages<D>;
}

const STORAGE_KEY = 'igemoji.language';

function isLanguage(name: string | null | undefined): name is Language {
  return name != null && name in LANGUAGES;
}

/** Return the language chosen before, else the first supported one of the browser, else English. */
export function initialLanguage(wanted: readonly string[] = navigator.languages): Language {
  const chosen = localStorage.getItem(STORAGE_KEY);
  if (isLanguage(chosen)) return chosen;
  return wanted.map((tag) => tag.split('-')[0]).find(isLanguage) ?? 'en';
}

export const language = createSlice({
  name: 'language',
  initialState: initialLanguage,
  reducers: {
    languageChosen: (_, { payload }: PayloadAction<Language>) => payload,
  },
});

export const { languageChosen } = language.actions;

export function storeLanguage(chosen: Language): void {
  localStorage.setItem(STORAGE_KEY, chosen);
}

export function useLanguage(): Language {
  return useSelector((state: { language: Language }) => state.language);
}

export function useMessages<D extends Dictionary>(messages: Messages<D>): Translation<D> {
  return messages[useLanguage()];
}

/** Formatters for dates, times and numbers in the current language. */
export function useFormats() {
  const locale = useLanguage();
  return {
    date: (when: string | Date) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(new Date(when)),
    dateTime: (when: string | Date) =>
      new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(when)),
    number: (value: number) => new Intl.NumberFormat(locale).format(value),
    percent: (share: number) =>
      new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(share),
  };
}
