import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Container from '@mui/material/Container';
import Typography from '@mui/material/Typography';
import type { FormEvent, ReactNode } from 'react';

import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { Picture } from '@/components/Picture';
import type { Expression } from '@/lib/expressions';
import { usePageTitle } from '@/lib/hooks/usePageTitle';

interface Props {
  title: string;
  lead?: string;
  face: Expression;
  /** Error of the whole form. */
  error?: string | null;
  onSubmit?: () => void;
  children: ReactNode;
  /** Below the card. */
  footer?: ReactNode;
}

/** Page with one short form. */
export function FormCard({ title, lead, face, error, onSubmit, children, footer }: Props) {
  usePageTitle(title);
  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit?.();
  }
  return (
    <Container maxWidth="xs" sx={{ py: { xs: 3, md: 6 }, display: 'grid', gap: 3 }}>
      <Card sx={{ overflow: 'visible', mt: 6, p: { xs: 2.5, sm: 4 }, pt: 0 }}>
        <Picture src={EXPRESSION_PICTURES[face]} alt="" size={96} sx={{ mt: -6, mb: 1, mx: 'auto' }} />
        <Box component="form" noValidate onSubmit={submit} sx={{ display: 'grid', gap: 2 }}>
          <Box sx={{ textAlign: 'center' }}>
            <Typography variant="h2" component="h1">
              {title}
            </Typography>
            {lead && <Typography color="textSecondary">{lead}</Typography>}
          </Box>
          {error && <Alert severity="error">{error}</Alert>}
          {children}
        </Box>
      </Card>
      {footer && <Box sx={{ textAlign: 'center', display: 'grid', gap: 1, justifyItems: 'center' }}>{footer}</Box>}
    </Container>
  );
}
