import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';

import { LinkButton } from '@/components/LinkButton';
import { Page } from '@/components/Page';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/lib/store';

import { AliasForm } from './components/AliasForm';
import { DeleteAccount } from './components/DeleteAccount';
import { ExportButton } from './components/ExportButton';
import { PasswordForm } from './components/PasswordForm';
import { messages } from './messages';

export default function Account() {
  const t = useMessages(messages);
  const user = useAppSelector(selectUser);
  if (!user) return null;
  const guest = user.role === 'guest';
  return (
    <Page title={t.accountTitle} lead={guest ? t.guestLead : t.accountLead(user.email)} width="md">
      <Box sx={{ display: 'grid', gap: 2.5 }}>
        {guest ? (
          <Section title={t.signUp} lead={t.guestKeeps}>
            <LinkButton to="/signup" variant="contained" sx={{ justifySelf: 'start' }}>
              {t.signUp}
            </LinkButton>
          </Section>
        ) : (
          <>
            <Section title={t.alias}>
              <AliasForm user={user} />
            </Section>
            <Section title={t.passwordTitle}>
              <PasswordForm />
            </Section>
          </>
        )}
        <Section title={t.exportTitle} lead={t.exportLead}>
          <ExportButton />
        </Section>
        <Section title={t.deleteTitle} lead={t.deleteLead}>
          <DeleteAccount />
        </Section>
      </Box>
    </Page>
  );
}

function Section({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  return (
    <Card component="section" sx={{ p: { xs: 2.5, sm: 3.5 }, display: 'grid', gap: 2 }}>
      <div>
        <Typography variant="h3" component="h2">
          {title}
        </Typography>
        {lead && <Typography color="textSecondary">{lead}</Typography>}
      </div>
      {children}
    </Card>
  );
}
