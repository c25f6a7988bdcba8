import Box from '@mui/material/Box';
import { useState } from 'react';
import { useParams } from 'react-router';

import { EmojiPicture } from '@/components/EmojiPicture';
import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';
import { POLLING_SECONDS } from '@/lib/api/api';
import { isNotFound } from '@/lib/api/apiErrors';
import { useGetEmojiQuery } from '@/lib/api/emojis';
import type { Emoji } from '@/lib/api/schema';
import { EXPRESSIONS, useExpressionNames, type Expression } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';
import { tileColor } from '@/lib/tileColor';

import { TemplateActions } from './components/TemplateActions';
import { TemplateFacts } from './components/TemplateFacts';
import { templateMessages } from './messages';

/** A template with its seven pictures and actions. */
export default function TemplatePage() {
  const t = useMessages(templateMessages);
  const { id = '' } = useParams();
  const {
    currentData: emoji,
    error,
    refetch,
  } = useGetEmojiQuery({ id }, { pollingInterval: POLLING_SECONDS * 1000, skipPollingIfUnfocused: true });
  if (error && isNotFound(error)) {
    return (
      <EmptyState page face="surprise" title={t.gone} actionTo="/templates" actionLabel={t.toGallery}>
        {t.goneText}
      </EmptyState>
    );
  }
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

/** One picture in large, and buttons to choose which. */
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
