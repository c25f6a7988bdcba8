import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Container from '@mui/material/Container';
import Typography from '@mui/material/Typography';
import type { FormEvent, ReactNode } from 'react';

import { FACES } from '@/components/expressionPictures';
import type { Expression } from '@/lib/expressions';
import { useTitle } from '@/components/Page';
import { Picture } from '@/components/Picture';

interface Props {
  title: string;
  lead?: string;
  face: Expression;
  /** What went wrong with the whole form. */
  problem?: string | null;
  onSubmit?: () => void;
  children: ReactNode;
  /** Below the card. */
  footer?: ReactNode;
}

/** A screen that is one short form. */
export function FormCard({ title, lead, face, problem, onSubmit, children, footer }: Props) {
  useTitle(title);
  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit?.();
  }
  return (
    <Container maxWidth="xs" sx={{ py: { xs: 3, md: 6 }, display: 'grid', gap: 3 }}>
      <Card sx={{ overflow: 'visible', mt: 6, p: { xs: 2.5, sm: 4 }, pt: 0 }}>
        <Picture src={FACES[face]} alt="" size={96} sx={{ mt: -6, mb: 1, mx: 'auto' }} />
        <Box component="form" noValidate onSubmit={submit} sx={{ display: 'grid', gap: 2 }}>
          <Box sx={{ textAlign: 'center' }}>
            <Typography variant="h2" component="h1">
              {title}
            </Typography>
            {lead && <Typography color="textSecondary">{lead}</Typography>}
          </Box>
          {problem && <Alert severity="error">{problem}</Alert>}
          {children}
        </Box>
      </Card>
      {footer && <Box sx={{ textAlign: 'center', display: 'grid', gap: 1, justifyItems: 'center' }}>{footer}</Box>}
    </Container>
  );
}
