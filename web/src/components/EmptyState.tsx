import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';

import type { Expression } from '@/lib/expressions';
import { usePageTitle } from '@/lib/hooks/usePageTitle';

import { EXPRESSION_PICTURES } from './expressionPictures';
import { LinkButton } from './LinkButton';
import { Picture } from './Picture';

interface Props {
  title: string;
  children?: ReactNode;
  /** Where the button leads, and its label. */
  actionTo?: string;
  actionLabel?: string;
  /** Load the page again instead of navigating in the app. */
  reload?: boolean;
  /** In place of the link: another button. */
  action?: ReactNode;
  face?: Expression;
  /** It replaces the whole page: the window gets its title. */
  page?: boolean;
}

/** Shown in place of an empty list, or of a page that does not exist. */
export function EmptyState({
  title,
  children,
  actionTo,
  actionLabel,
  reload = false,
  action,
  face = 'neutral',
  page = false,
}: Props) {
  usePageTitle(page ? title : null);
  return (
    <Box sx={{ display: 'grid', justifyItems: 'center', textAlign: 'center', gap: 2, py: 6, px: 2 }}>
      <Picture src={EXPRESSION_PICTURES[face]} alt="" size={112} />
      <Typography variant="h3" component="h2">
        {title}
      </Typography>
      {children && (
        <Typography color="textSecondary" sx={{ maxWidth: '46ch' }}>
          {children}
        </Typography>
      )}
      {actionTo !== undefined && (
        <LinkButton to={actionTo} variant="contained" reloadDocument={reload}>
          {actionLabel}
        </LinkButton>
      )}
      {action}
    </Box>
  );
}
