import BottomNavigation from '@mui/material/BottomNavigation';
import BottomNavigationAction from '@mui/material/BottomNavigationAction';
import Box from '@mui/material/Box';
import { Link, useLocation } from 'react-router';

import { GridIcon, PersonIcon, SparkleIcon, TrophyIcon } from '@/components/icons';
import { useMessages } from '@/lib/i18n';

import { appMessages } from './messages';

const SECTIONS = ['/templates', '/make', '/ranking', '/me'];

/** Main navigation of a phone, at the bottom within reach of the thumb. */
export function BottomBar() {
  const t = useMessages(appMessages);
  const { pathname } = useLocation();
  const current = SECTIONS.find((section) => pathname.startsWith(section)) ?? false;
  const links = [
    { to: '/templates', label: t.templates, icon: <GridIcon /> },
    { to: '/make', label: t.makeShort, icon: <SparkleIcon /> },
    { to: '/ranking', label: t.ranking, icon: <TrophyIcon /> },
    { to: '/me', label: t.myPage, icon: <PersonIcon /> },
  ];
  return (
    <Box
      component="nav"
      aria-label={t.navigation}
      sx={{
        display: { md: 'none' },
        position: 'sticky',
        bottom: 0,
        zIndex: 'appBar',
        borderTop: 1,
        borderColor: 'divider',
        bgcolor: 'background.paper',
        pb: 'env(safe-area-inset-bottom)',
      }}
    >
      <BottomNavigation value={current} showLabels component="div" sx={{ bgcolor: 'transparent', height: 64 }}>
        {links.map(({ to, label, icon }) => (
          <BottomNavigationAction
            key={to}
            component={Link}
            to={to}
            value={to}
            label={label}
            icon={icon}
            aria-current={current === to ? 'page' : undefined}
            sx={{
              minWidth: 0,
              px: 0.5,
              gap: 0.25,
              '&.Mui-selected': { color: 'text.primary', '& svg': { color: 'secondary.main' } },
            }}
          />
        ))}
      </BottomNavigation>
    </Box>
  );
}
