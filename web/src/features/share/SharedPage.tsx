import Box from '@mui/material/Box';
import Skeleton from '@mui/material/Skeleton';
import Typography from '@mui/material/Typography';
import { skipToken } from '@reduxjs/toolkit/query';
import { useParams } from 'react-router';

import { EmojiPicture } from '@/components/EmojiPicture';
import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { LinkButton } from '@/components/LinkButton';
import { Page } from '@/components/Page';
import { isNotFound } from '@/lib/api/apiErrors';
import { useGetEmojiQuery } from '@/lib/api/emojis';
import { EXPRESSIONS } from '@/lib/expressions';
import { useFormats, useMessages } from '@/lib/i18n';

import { useGetSharedQuery } from './api';
import { messages } from './messages';

/** The page behind a share link; open to anyone. */
export default function SharedPage() {
  const t = useMessages(messages);
  const { token = '' } = useParams();
  const { data: shared, error, refetch } = useGetSharedQuery({ token });
  const { date } = useFormats();

  if (error && isNotFound(error)) {
    return (
      <EmptyState page face="surprise" title={t.goneTitle} actionTo="/make" actionLabel={t.make}>
        {t.gone}
      </EmptyState>
    );
  }
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <Page title={t.sharedTitle} lead={t.sharedLead} width="md">
      <Box sx={{ display: 'grid', gap: 3, justifyItems: 'center' }}>
        {shared ? (
          <Box
            component="img"
            src={shared.image_url}
            alt={t.photo}
            width={shared.width}
            height={shared.height}
            sx={{ maxWidth: 1, maxHeight: '75vh', width: 'auto', height: 'auto', borderRadius: 1.5, display: 'block' }}
          />
        ) : (
          <Skeleton variant="rounded" sx={{ width: 1, height: '50vh', borderRadius: 1.5 }} />
        )}
        {shared && <MadeWith emojiId={shared.emoji_id} />}
        {shared?.expires_at && (
          <Typography variant="body2" color="textSecondary">
            {t.sharedUntil(date(shared.expires_at))}
          </Typography>
        )}
        <Typography variant="body2" color="textSecondary" sx={{ textAlign: 'center', textWrap: 'balance' }}>
          {t.aiNotice}
        </Typography>
      </Box>
    </Page>
  );
}

/** The template of the result, if everybody may see it. */
function MadeWith({ emojiId }: { emojiId: string }) {
  const t = useMessages(messages);
  const { data: emoji, isLoading } = useGetEmojiQuery(emojiId ? { id: emojiId } : skipToken);
  if (isLoading) return null;
  return (
    <Box sx={{ display: 'grid', gap: 2, justifyItems: 'center', textAlign: 'center' }}>
      {emoji && (
        <>
          <Box sx={{ display: 'flex', gap: 0.5, justifyContent: 'center' }}>
            {EXPRESSIONS.map((expression) => (
              <EmojiPicture key={expression} emoji={emoji} expression={expression} alt="" size={40} />
            ))}
          </Box>
          <Typography>{t.madeWith(emoji.name)}</Typography>
        </>
      )}
      <LinkButton variant="contained" size="large" to={emoji ? `/make?emoji=${emoji.id}` : '/make'}>
        {emoji ? t.makeWith : t.make}
      </LinkButton>
    </Box>
  );
}
