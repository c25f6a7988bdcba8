import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Container from '@mui/material/Container';
import Typography from '@mui/material/Typography';

import { LinkButton } from '@/components/LinkButton';
import { usePageTitle } from '@/lib/hooks/usePageTitle';
import { useMessages } from '@/lib/i18n';

import { ExpressionWheel } from './components/ExpressionWheel';
import { HowTo } from './components/HowTo';
import { PrivacyPromises } from './components/PrivacyPromises';
import { useStart } from './hooks/useStart';
import { landingMessages } from './landingMessages';

/** The landing page: what the app does, and a button to try it. */
export default function Landing() {
  const t = useMessages(landingMessages);
  const { start, isLoading } = useStart();
  usePageTitle(t.window);
  return (
    <>
      <Box
        sx={{
          bgcolor: 'primary.main',
          color: 'primary.contrastText',
          borderRadius: { xs: '0 0 40px 40px', md: '0 0 80px 80px' },
        }}
      >
        <Container
          maxWidth="lg"
          sx={{
            display: 'grid',
            gridTemplateColumns: { xs: '1fr', md: '1.1fr 1fr' },
            alignItems: 'center',
            gap: { xs: 3, md: 6 },
            py: { xs: 4, md: 7 },
          }}
        >
          <Box sx={{ display: 'grid', gap: 2.5 }}>
            <Typography variant="h1" sx={{ wordBreak: 'keep-all' }}>
              {t.question}
            </Typography>
            <Typography sx={{ fontSize: '1.15rem', maxWidth: '40ch', wordBreak: 'keep-all' }}>{t.lead}</Typography>
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1.5 }}>
              <Button size="large" loading={isLoading} onClick={start} sx={dark}>
                {t.tryIt}
              </Button>
              <LinkButton size="large" to="/templates" sx={{ color: 'inherit', textDecoration: 'underline' }}>
                {t.browse}
              </LinkButton>
            </Box>
            <Typography variant="body2">{t.free}</Typography>
          </Box>
          <ExpressionWheel />
        </Container>
      </Box>
      <HowTo />
      <PrivacyPromises />
    </>
  );
}

const dark = {
  color: '#fff8e6',
  bgcolor: '#2a1f14',
  '&:hover': { bgcolor: '#463521' },
  '& .MuiButton-loadingIndicator': { color: '#fff8e6' },
};
