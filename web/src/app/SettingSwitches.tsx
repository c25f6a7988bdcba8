import IconButton from '@mui/material/IconButton';
import { useColorScheme } from '@mui/material/styles';
import useMediaQuery from '@mui/material/useMediaQuery';

import { MoonIcon, SunIcon } from '@/components/icons';
import { languageChosen, useLanguage, useMessages, type Language } from '@/lib/i18n';
import { useAppDispatch } from '@/lib/store';

import { appMessages } from './messages';

const OTHER: Record<Language, Language> = { ko: 'en', en: 'ko' };
const SHORT: Record<Language, string> = { ko: '한', en: 'En' };

export function LanguageSwitch() {
  const t = useMessages(appMessages);
  const dispatch = useAppDispatch();
  const other = OTHER[useLanguage()];
  return (
    <IconButton
      color="inherit"
      title={t.otherLanguage}
      aria-label={`${SHORT[other]}: ${t.otherLanguage}`}
      lang={other}
      onClick={() => dispatch(languageChosen(other))}
      sx={{ typography: 'h4', fontSize: '1.05rem' }}
    >
      {SHORT[other]}
    </IconButton>
  );
}

export function ThemeSwitch() {
  const t = useMessages(appMessages);
  const { mode, setMode } = useColorScheme();
  const prefersDark = useMediaQuery('(prefers-color-scheme: dark)');
  const dark = mode === 'dark' || (mode !== 'light' && prefersDark);
  const label = dark ? t.light : t.dark;
  return (
    <IconButton color="inherit" title={label} aria-label={label} onClick={() => setMode(dark ? 'light' : 'dark')}>
      {dark ? <SunIcon /> : <MoonIcon />}
    </IconButton>
  );
}
