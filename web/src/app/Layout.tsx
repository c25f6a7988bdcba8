import Box from '@mui/material/Box';
import Container from '@mui/material/Container';
import Link from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import { lazy, Suspense, useEffect } from 'react';
import { Outlet, ScrollRestoration } from 'react-router';

import { selectSessionStatus } from '@/lib/api/session';
import { PageSkeleton } from '@/components/Skeletons';

import { BottomBar } from './BottomBar';
import { Header } from './Header';
import { useLanguage, useMessages } from '@/lib/i18n';
import { OfflineBar } from './OfflineBar';
import { shellMessages } from './messages';
import { useAppSelector } from './store';

const ExpiryDialog = lazy(() => import('./SessionExpiredDialog'));
const NoticeBar = lazy(() => import('./NoticeBar'));

/** What stands around every screen. */
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
        {status === 'expired' && <ExpiryDialog />}
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
  const t = useMessages(shellMessages);
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
