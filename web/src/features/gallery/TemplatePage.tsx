import Box from '@mui/material/Box';
import { useState } from 'react';
import { useParams } from 'react-router';

import { FRESH_SECONDS } from '@/lib/api/api';
import { useGetEmojiQuery } from '@/lib/api/emojis';
import { problemOf } from '@/lib/api/apiErrors';
import type { Emoji } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { EmojiPicture } from '@/components/EmojiPicture';
import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { EXPRESSIONS, useExpressionNames, type Expression } from '@/lib/expressions';
import { LinkButton } from '@/components/LinkButton';
import { Page, useTitle } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';

import { templateMessages } from './messages';
import { TemplateActions } from './components/TemplateActions';
import { TemplateFacts } from './components/TemplateFacts';
import { tileColor } from '@/lib/tileColor';

/** One template: its seven pictures, and what can be done with it. */
export default function TemplatePage() {
  const { id = '' } = useParams();
  const {
    currentData: emoji,
    error,
    refetch,
  } = useGetEmojiQuery({ id }, { pollingInterval: FRESH_SECONDS * 1000, skipPollingIfUnfocused: true });
  if (error && [400, 404].includes(problemOf(error).status)) return <Gone />;
  if (emoji) return <Template emoji={emoji} />;
  return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <PageSkeleton />;
}

function Template({ emoji }: { emoji: Emoji }) {
  return (
    <Page title={emoji.name} lead={<TemplateFacts emoji={emoji} />}>
      <Box sx={{ display: 'grid', gap: { xs: 3, md: 5 }, gridTemplateColumns: { xs: '1fr', md: '1fr 1fr' } }}>
        <SevenPictures emoji={emoji} />
        <TemplateActions emoji={emoji} />
      </Box>
    </Page>
  );
}

/** One of the seven large, all of them to choose from. */
function SevenPictures({ emoji }: { emoji: Emoji }) {
  const t = useMessages(templateMessages);
  const names = useExpressionNames();
  const [shown, setShown] = useState<Expression>('happy');
  return (
    <Box sx={{ display: 'grid', gap: 2, alignContent: 'start' }}>
      <Box
        sx={{
          display: 'grid',
          justifyItems: 'center',
          gap: 1.5,
          p: { xs: 3, md: 4 },
          borderRadius: 2,
          bgcolor: tileColor(emoji.id),
          fontWeight: 700,
        }}
      >
        <EmojiPicture emoji={emoji} expression={shown} alt={names[shown]} size="min(72%, 320px)" px={320} first />
        <span aria-hidden>{names[shown]}</span>
      </Box>
      <Box
        role="group"
        aria-label={t.pictures}
        sx={{ display: 'grid', gap: 1, gridTemplateColumns: { xs: 'repeat(4, 1fr)', sm: 'repeat(7, 1fr)' } }}
      >
        {EXPRESSIONS.map((expression) => (
          <Box
            component="button"
            type="button"
            key={expression}
            aria-label={names[expression]}
            aria-pressed={expression === shown}
            onClick={() => setShown(expression)}
            sx={pictureButton}
          >
            <EmojiPicture emoji={emoji} expression={expression} alt="" size="100%" px={72} />
          </Box>
        ))}
      </Box>
    </Box>
  );
}

const pictureButton = {
  p: 0.75,
  border: 2,
  borderColor: 'divider',
  borderRadius: 1.25,
  bgcolor: 'background.paper',
  cursor: 'pointer',
  '&[aria-pressed=true]': { borderColor: 'primary.main', bgcolor: 'action.hover' },
  '&:focus-visible': { outline: '3px solid', outlineColor: 'secondary.main', outlineOffset: 2 },
} as const;

function Gone() {
  const t = useMessages(templateMessages);
  useTitle(t.gone);
  return (
    <EmptyState
      face="surprise"
      title={t.gone}
      action={
        <LinkButton to="/templates" variant="contained">
          {t.toGallery}
        </LinkButton>
      }
    >
      {t.goneText}
    </EmptyState>
  );
}
