import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Container from '@mui/material/Container';
import Typography from '@mui/material/Typography';

import { LockIcon, PinOffIcon, ShieldIcon } from '@/components/icons';
import { useMessages } from '@/lib/i18n';

import { landingMessages } from '../landingMessages';

/** Promises about the privacy of photos. */
export function PrivacyPromises() {
  const t = useMessages(landingMessages);
  const promises = [
    { Icon: LockIcon, title: t.private, more: t.privateMore },
    { Icon: ShieldIcon, title: t.everyFace, more: t.everyFaceMore },
    { Icon: PinOffIcon, title: t.noPlace, more: t.noPlaceMore },
  ];
  return (
    <Container component="section" maxWidth="lg" sx={{ py: { xs: 5, md: 9 } }}>
      <Typography variant="h2" sx={{ textAlign: 'center', mb: { xs: 3, md: 5 } }}>
        {t.promises}
      </Typography>
      <Box sx={{ display: 'grid', gridTemplateColumns: { md: 'repeat(3, 1fr)' }, gap: 2 }}>
        {promises.map(({ Icon, title, more }) => (
          <Card key={title} sx={{ p: 3, display: 'grid', gap: 1, alignContent: 'start' }}>
            <Icon sx={{ fontSize: 32, color: 'secondary.main' }} />
            <Typography variant="h3">{title}</Typography>
            <Typography color="textSecondary" sx={{ wordBreak: 'keep-all' }}>
              {more}
            </Typography>
          </Card>
        ))}
      </Box>
    </Container>
  );
}
