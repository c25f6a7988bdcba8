import Box from '@mui/material/Box';
import Container from '@mui/material/Container';
import Typography from '@mui/material/Typography';
import { useEffect, type ReactNode } from 'react';

interface Props {
  /** The heading, and the title of the window. */
  title: string;
  /** A sentence below the heading. */
  lead?: ReactNode;
  /** Beside the heading. */
  actions?: ReactNode;
  width?: 'sm' | 'md' | 'lg';
  children: ReactNode;
}

/** A screen: its title, what one can do with it, what it shows. */
export function Page({ title, lead, actions, width = 'lg', children }: Props) {
  useTitle(title);
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

/** Names the window after what it shows. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · IGE MOJI`;
  }, [title]);
}
