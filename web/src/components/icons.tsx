/** Line icons drawn for the app. They take size and color from the surrounding text. */

import { createSvgIcon } from '@mui/material/utils';
import type { ReactNode } from 'react';

function lines(name: string, drawn: ReactNode) {
  const group = (
    <g fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round">
      {drawn}
    </g>
  );
  return createSvgIcon(group, name);
}

const HEART = 'M12 20s-7.5-4.6-7.5-10.2A4.3 4.3 0 0 1 12 7a4.3 4.3 0 0 1 7.5 2.8C19.5 15.4 12 20 12 20z';

export const AddIcon = lines('Add', <path d="M12 5v14M5 12h14" />);
export const CloseIcon = lines('Close', <path d="M6 6l12 12M18 6L6 18" />);
export const DownloadIcon = lines('Download', <path d="M12 4v11M7 10.5l5 5 5-5M5 20h14" />);
export const ShareIcon = lines('Share', <path d="M12 15V4M7.500 8L12 3.500 16.500 8M6 12v8h12v-8" />);
export const EditIcon = lines('Edit', <path d="M4 20l1-4L16 5l3 3L8 19zM14 7l3 3" />);
export const FlagIcon = lines('Flag', <path d="M6 21V4M6 5c4-3 7 3 12 0v8c-5 3-8-3-12 0" />);
export const HeartIcon = lines('Heart', <path d={HEART} />);
export const HeartFilledIcon = lines('HeartFilled', <path d={HEART} fill="currentColor" />);
export const LinkIcon = lines(
  'Link',
  <path d="M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1" />,
);
export const PeopleIcon = lines(
  'People',
  <>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 5a3.5 3.5 0 0 1 0 6.5M18 14.5c2 .8 3.2 2.6 3.5 5.5" />
  </>,
);
export const RefreshIcon = lines('Refresh', <path d="M20 11a8 8 0 1 0-2.5 6.5M20 5v6h-6" />);
export const SearchIcon = lines(
  'Search',
  <>
    <circle cx="11" cy="11" r="6.5" />
    <path d="M16 16l4.5 4.5" />
  </>,
);
export const TrashIcon = lines('Trash', <path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5" />);

export const GlobeIcon = lines(
  'Globe',
  <>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M3.5 12h17M12 3.5c5 5 5 12 0 17M12 3.5c-5 5-5 12 0 17" />
  </>,
);
export const MoonIcon = lines('Moon', <path d="M20 14.5A8.5 8.5 0 1 1 9.5 4 7 7 0 0 0 20 14.5z" />);
export const SunIcon = lines(
  'Sun',
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4" />
  </>,
);
export const PersonIcon = lines(
  'Person',
  <>
    <circle cx="12" cy="8" r="4" />
    <path d="M4 20.5c.8-4.2 3.8-6.5 8-6.5s7.2 2.3 8 6.5" />
  </>,
);
export const GridIcon = lines(
  'Grid',
  <path d="M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM13.5 13.5h6v6h-6z" />,
);
export const TrophyIcon = lines(
  'Trophy',
  <path d="M8 4h8v6a4 4 0 0 1-8 0zM8 5.5H4.5V7A3.5 3.5 0 0 0 8 10.5M16 5.5h3.5V7a3.5 3.5 0 0 1-3.5 3.5M12 14v4M8 20h8M10 18h4" />,
);
export const SparkleIcon = lines('Sparkle', <path d="M12 3l2.2 6.3L20.5 12l-6.3 2.7L12 21l-2.2-6.3L3.5 12l6.3-2.7z" />);
export const EyeIcon = lines(
  'Eye',
  <>
    <path d="M2.5 12C5 7.5 8.2 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.7 6.5-9.5 6.5S5 16.5 2.5 12z" />
    <circle cx="12" cy="12" r="3" />
  </>,
);
export const EyeOffIcon = lines(
  'EyeOff',
  <path d="M4 4l16 16M9.5 6c6-1.500 9.800 2 12 6-1 1.900-2.300 3.500-3.800 4.600M14.500 18C8.500 19.500 4.700 16 2.500 12c.9-1.600 2-3 3.300-4" />,
);
export const LockIcon = lines('Lock', <path d="M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3" />);
export const ShieldIcon = lines(
  'Shield',
  <path d="M12 3l7.500 3v5.500c0 4.500-3 7.700-7.500 9.500-4.500-1.800-7.500-5-7.500-9.500V6zM9 12l2.200 2.200L15.500 10" />,
);
export const PinOffIcon = lines(
  'PinOff',
  <path d="M4 4l16 16M7.200 7.200A6.500 6.500 0 0 0 6 11c0 4.500 6 10 6 10s2.300-2.100 4.100-4.700M10 4.800A6.300 6.300 0 0 1 12 4.500c3.500 0 6 2.900 6 6.500 0 .8-.2 1.600-.5 2.400" />,
);
