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
  /** Target and label of the button. */
  actionTo?: string;
  actionLabel?: string;
  /** Load the page again instead of navigating in the app. */
  reload?: boolean;
  /** Another button instead of the link. */
  action?: ReactNode;
  face?: Expression;
  /** Replaces the whole page: also set the title of the window. */
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
