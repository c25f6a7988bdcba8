import BottomNavigation from '@mui/material/BottomNavigation';
import BottomNavigationAction from '@mui/material/BottomNavigationAction';
import Box from '@mui/material/Box';
import { Link, useLocation } from 'react-router';

import { GridIcon, PersonIcon, SparkleIcon, TrophyIcon } from '@/components/icons';

import { useMessages } from '@/lib/i18n';
import { shellMessages } from './messages';

const PLACES = ['/templates', '/make', '/ranking', '/me'];

/** On a phone the places are where the thumb is. */
export function BottomBar() {
  const t = useMessages(shellMessages);
  const { pathname } = useLocation();
  const here = PLACES.find((place) => pathname.startsWith(place)) ?? false;
  const ways = [
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
      <BottomNavigation value={here} showLabels component="div" sx={{ bgcolor: 'transparent', height: 64 }}>
        {ways.map(({ to, label, icon }) => (
          <BottomNavigationAction
            key={to}
            component={Link}
            to={to}
            value={to}
            label={label}
            icon={icon}
            aria-current={here === to ? 'page' : undefined}
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
