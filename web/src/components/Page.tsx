import Box from '@mui/material/Box';
import Container from '@mui/material/Container';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';

import { usePageTitle } from '@/lib/hooks/usePageTitle';

interface Props {
  /** Heading, and title of the window. */
  title: string;
  /** Text below the heading. */
  lead?: ReactNode;
  /** Beside the heading. */
  actions?: ReactNode;
  width?: 'sm' | 'md' | 'lg';
  children: ReactNode;
}

/** Layout of a page: heading, actions, content. */
export function Page({ title, lead, actions, width = 'lg', children }: Props) {
  usePageTitle(title);
  return (
    <Container maxWidth={width} sx={{ py: { xs: 3, md: 5 } }}>
      <Box
        sx={{ display: 'flex', flexWrap: 'wrap', gap: 2, alignItems: 'end', justifyContent: 'space-between', mb: 3 }}
      >
        <Box sx={{ display: 'grid', gap: 0.5 }}>
          <Typography variant="h2" component="h1">
            {title}
          </Typography>
          {lead && <Typography color="textSecondary">{lead}</Typography>}
        </Box>
        {actions}
      </Box>
      {children}
    </Container>
  );
}
