import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';

import { FACES } from './expressionPictures';
import type { Expression } from '@/lib/expressions';
import { Picture } from './Picture';

interface Props {
  title: string;
  children?: ReactNode;
  /** What one can do about it. */
  action?: ReactNode;
  face?: Expression;
}

/** In place of a list or a page that has nothing to show. */
export function EmptyState({ title, children, action, face = 'neutral' }: Props) {
  return (
    <Box sx={{ display: 'grid', justifyItems: 'center', textAlign: 'center', gap: 2, py: 6, px: 2 }}>
      <Picture src={FACES[face]} alt="" size={112} />
      <Typography variant="h3" component="h2">
        {title}
      </Typography>
      {children && (
        <Typography color="textSecondary" sx={{ maxWidth: '46ch' }}>
          {children}
        </Typography>
      )}
      {action}
    </Box>
  );
}
