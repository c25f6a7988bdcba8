import Box from '@mui/material/Box';
import { Outlet, ScrollRestoration } from 'react-router';

import { selectSessionStatus } from '@/api/session';
import { PageSkeleton } from '@/components/Skeletons';

import { Header } from './Header';
import { useLanguage } from './i18n';
import { NoticeBar } from './NoticeBar';
import { useEffect } from 'react';
import { useAppSelector } from './store';

/** What stands around every screen. */
export function Layout() {
  const language = useLanguage();
  const status = useAppSelector(selectSessionStatus);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return (
    <Box sx={{ minHeight: '100dvh', display: 'flex', flexDirection: 'column' }}>
      <Header />
      <Box component="main" id="main" tabIndex={-1} sx={{ flex: 1, outline: 'none' }}>
        {status === 'unknown' ? <PageSkeleton /> : <Outlet />}
      </Box>
      <NoticeBar />
      <ScrollRestoration />
    </Box>
  );
}
