import AppBar from '@mui/material/AppBar';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Container from '@mui/material/Container';
import Link from '@mui/material/Link';
import { lazy, Suspense } from 'react';
import { Link as RouterLink, NavLink } from 'react-router';

import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { LinkButton } from '@/components/LinkButton';
import { Picture } from '@/components/Picture';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/lib/store';

import { appMessages } from './messages';
import { LanguageSwitch, ThemeSwitch } from './SettingSwitches';

// Loaded only for logged-in users.
const AccountMenu = lazy(() => import('./AccountMenu'));

/** Header: name, main navigation, language, theme and account. */
export function Header() {
  const t = useMessages(appMessages);
  const user = useAppSelector(selectUser);
  return (
    <AppBar
      position="sticky"
      elevation={0}
      sx={{ bgcolor: 'background.default', color: 'text.primary', borderBottom: 1, borderColor: 'divider' }}
    >
      <Link
        href="#main"
        sx={{
          position: 'absolute',
          top: -80,
          left: 16,
          zIndex: 1,
          p: 1.5,
          borderRadius: 2,
          bgcolor: 'background.paper',
          '&:focus': { top: 8 },
        }}
      >
        {t.skip}
      </Link>
      <Container maxWidth="lg" sx={{ display: 'flex', alignItems: 'center', gap: { xs: 0.5, md: 1 }, height: 64 }}>
        <Box
          component={RouterLink}
          to="/"
          sx={{
            display: 'flex',
            alignItems: 'center',
            gap: 1,
            mr: 'auto',
            color: 'inherit',
            textDecoration: 'none',
            typography: 'h3',
            whiteSpace: 'nowrap',
          }}
        >
          <Picture src={EXPRESSION_PICTURES.surprise} alt="" size={36} />
          {t.name}
        </Box>
        <Box
          component="nav"
          aria-label={t.navigation}
          sx={{ display: { xs: 'none', md: 'flex' }, gap: 0.5, mr: 1, '& .active': { bgcolor: 'action.selected' } }}
        >
          <Button component={NavLink} to="/templates">
            {t.templates}
          </Button>
          <Button component={NavLink} to="/ranking">
            {t.ranking}
          </Button>
          <Button component={NavLink} to="/me">
            {t.myPage}
          </Button>
          <LinkButton to="/make" variant="contained">
            {t.make}
          </LinkButton>
        </Box>
        <LanguageSwitch />
        <ThemeSwitch />
        {user ? (
          <Suspense fallback={<Box sx={{ width: 50 }} />}>
            <AccountMenu user={user} />
          </Suspense>
        ) : (
          <LinkButton to="/login" sx={{ px: { xs: 1.25, sm: 2.5 }, minWidth: 0, whiteSpace: 'nowrap' }}>
            {t.logIn}
          </LinkButton>
        )}
      </Container>
    </AppBar>
  );
}
