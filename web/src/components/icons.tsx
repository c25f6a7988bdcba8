/** Line icons, drawn for the app: round ends, like its letters. Size and colour are those of the text around them. */

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
