import partyPopper from '@lobehub/fluent-emoji-3d/assets/1f389.webp';
import frame from '@lobehub/fluent-emoji-3d/assets/1f5bc-fe0f.webp';
import Box from '@mui/material/Box';
import Container from '@mui/material/Container';
import Typography from '@mui/material/Typography';

import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { Picture } from '@/components/Picture';
import { useMessages } from '@/lib/i18n';

import { landingMessages } from '../landingMessages';

/** Instructions in three steps. */
export function HowTo() {
  const t = useMessages(landingMessages);
  const steps = [
    { art: EXPRESSION_PICTURES.happy, title: t.step1, more: t.step1More },
    { art: frame, title: t.step2, more: t.step2More },
    { art: partyPopper, title: t.step3, more: t.step3More },
  ];
  return (
    <Container component="section" maxWidth="lg" sx={{ pt: { xs: 5, md: 9 } }}>
      <Typography variant="h2" sx={{ textAlign: 'center', mb: { xs: 3, md: 5 } }}>
        {t.how}
      </Typography>
      <Box
        component="ol"
        sx={{ display: 'grid', gridTemplateColumns: { md: 'repeat(3, 1fr)' }, gap: { xs: 2, md: 4 }, p: 0, m: 0 }}
      >
        {steps.map(({ art, title, more }, index) => (
          <Box
            component="li"
            key={title}
            sx={{
              listStyle: 'none',
              display: 'grid',
              gridTemplateColumns: { xs: '88px 1fr', md: '1fr' },
              columnGap: 2,
              alignItems: 'center',
              alignContent: 'start',
              justifyItems: { md: 'center' },
              textAlign: { md: 'center' },
            }}
          >
            <Box sx={{ position: 'relative', gridRow: { xs: 'span 2', md: 'auto' } }}>
              <Picture src={art} alt="" size={96} />
              <Box
                aria-hidden
                sx={{
                  position: 'absolute',
                  left: -8,
                  top: -8,
                  width: 34,
                  height: 34,
                  borderRadius: '50%',
                  display: 'grid',
                  placeItems: 'center',
                  bgcolor: 'text.primary',
                  color: 'background.default',
                  typography: 'h4',
                }}
              >
                {index + 1}
              </Box>
            </Box>
            <Typography variant="h3" sx={{ mt: { md: 2 } }}>
              {title}
            </Typography>
            <Typography color="textSecondary" sx={{ wordBreak: 'keep-all', maxWidth: '34ch' }}>
              {more}
            </Typography>
          </Box>
        ))}
      </Box>
    </Container>
  );
}
