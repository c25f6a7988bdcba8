import Box from '@mui/material/Box';
import Container from '@mui/material/Container';
import Link from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import { lazy, Suspense, useEffect } from 'react';
import { Outlet, ScrollRestoration } from 'react-router';

import { PageSkeleton } from '@/components/Skeletons';
import { selectSessionStatus } from '@/lib/api/session';
import { useLanguage, useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/lib/store';

import { BottomBar } from './BottomBar';
import { Header } from './Header';
import { appMessages } from './messages';
import { OfflineBar } from './OfflineBar';

const SessionExpiredDialog = lazy(() => import('./SessionExpiredDialog'));
const NoticeBar = lazy(() => import('./NoticeBar'));

/** Layout around every page. */
export function Layout() {
  const language = useLanguage();
  const status = useAppSelector(selectSessionStatus);
  const hasNotice = useAppSelector(({ notices }) => notices.length > 0);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return (
    <Box sx={{ minHeight: '100dvh', display: 'flex', flexDirection: 'column' }}>
      <Header />
      <OfflineBar />
      <Box component="main" id="main" tabIndex={-1} sx={{ flex: '1 0 auto', outline: 'none', minHeight: '75vh' }}>
        {status === 'unknown' ? <WaitingForSession /> : <Outlet />}
      </Box>
      <Footer />
      <BottomBar />
      <Suspense fallback={null}>
        {hasNotice && <NoticeBar />}
        {status === 'expired' && <SessionExpiredDialog />}
      </Suspense>
      <ScrollRestoration />
    </Box>
  );
}

function WaitingForSession() {
  return (
    <Container maxWidth="lg">
      <PageSkeleton />
    </Container>
  );
}

function Footer() {
  const t = useMessages(appMessages);
  return (
    <Container component="footer" maxWidth="lg" sx={{ py: 3, display: 'flex', flexWrap: 'wrap', gap: 2 }}>
      <Typography variant="body2" color="textSecondary" sx={{ mr: 'auto', textWrap: 'balance' }}>
        {t.about}
      </Typography>
      <Link variant="body2" href="/api/openapi.json">
        {t.api}
      </Link>
    </Container>
  );
}
