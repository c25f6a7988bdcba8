import Box from '@mui/material/Box';
import Skeleton from '@mui/material/Skeleton';
import Typography from '@mui/material/Typography';

import { EmojiPicture } from '@/components/EmojiPicture';
import { ErrorState } from '@/components/ErrorState';
import { LinkButton } from '@/components/LinkButton';
import { useListEmojisQuery } from '@/lib/api/emojis';
import type { Emoji } from '@/lib/api/schema';
import { EXPRESSIONS } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { messages } from '../messages';

interface Props {
  chosen: string | undefined;
  onChoose: (emojiId: string) => void;
}

const POPULAR = { page_number: 1, sort: 'popular' } as const;

/** Load the most used templates; the first one is the default choice. */
export function usePopularTemplates(skip: boolean) {
  return useListEmojisQuery(POPULAR, { skip });
}

/** Popular templates to choose from, and a link to the gallery. */
export function TemplateChoice({ chosen, onChoose }: Props) {
  const t = useMessages(messages);
  const { data, error, refetch } = usePopularTemplates(false);
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <Box sx={{ display: 'grid', gap: 1.5 }}>
      <Box
        role="radiogroup"
        aria-label={t.template}
        sx={{
          display: 'grid',
          gap: 1,
          // One row that scrolls sideways on a phone, to leave room for the photos.
          gridAutoFlow: { xs: 'column', md: 'row' },
          gridAutoColumns: { xs: 92, md: 'auto' },
          gridTemplateColumns: { md: 'repeat(4, minmax(0, 1fr))' },
          overflowX: { xs: 'auto', md: 'visible' },
          mx: { xs: -2, md: 0 },
          px: { xs: 2, md: 0 },
          py: 0.5,
        }}
      >
        {data
          ? data.emojis.map((emoji) => (
              <Choice key={emoji.id} emoji={emoji} checked={emoji.id === chosen} onChoose={onChoose} />
            ))
          : Array.from({ length: 8 }, (_, index) => <Skeleton key={index} variant="rounded" height={104} />)}
      </Box>
      <LinkButton to="/templates" sx={{ justifySelf: 'start', px: 1.5, ml: -1.5 }}>
        {t.more}
      </LinkButton>
    </Box>
  );
}

function Choice({ emoji, checked, onChoose }: { emoji: Emoji; checked: boolean; onChoose: Props['onChoose'] }) {
  return (
    <Box
      component="label"
      sx={{
        position: 'relative',
        display: 'grid',
        justifyItems: 'center',
        alignContent: 'start',
        gap: 0.5,
        px: 0.5,
        py: 1,
        minHeight: 112,
        borderRadius: 1,
        cursor: 'pointer',
        border: '3px solid',
        borderColor: checked ? 'primary.main' : 'transparent',
        bgcolor: checked ? 'background.paper' : 'transparent',
        '&:hover': { bgcolor: 'background.paper' },
        '&:has(:focus-visible)': { outline: '3px solid', outlineColor: 'secondary.main' },
      }}
    >
      <Box
        component="input"
        type="radio"
        name="template"
        checked={checked}
        onChange={() => onChoose(emoji.id)}
        sx={{ position: 'absolute', opacity: 0, width: '1px', height: '1px' }}
      />
      <EmojiPicture emoji={emoji} expression="happy" alt="" size={56} />
      <Typography variant="body2" sx={{ ...twoLines, fontWeight: checked ? 700 : 400 }}>
        {emoji.name}
      </Typography>
    </Box>
  );
}

const twoLines = {
  display: '-webkit-box',
  WebkitBoxOrient: 'vertical',
  WebkitLineClamp: 2,
  overflow: 'hidden',
  maxWidth: 1,
  textAlign: 'center',
  fontSize: 13,
  lineHeight: 1.25,
} as const;

/** The chosen template with all seven pictures. */
export function ChosenTemplate({ emoji }: { emoji: Emoji }) {
  const t = useMessages(messages);
  return (
    <Box sx={{ p: 2, borderRadius: 1.5, border: 1, borderColor: 'divider', bgcolor: 'background.paper' }}>
      <Typography variant="h4" component="p" noWrap>
        {emoji.name}
      </Typography>
      {emoji.owner?.alias && !emoji.built_in && (
        <Typography variant="body2" color="textSecondary" noWrap>
          {t.by(emoji.owner.alias)}
        </Typography>
      )}
      <Box sx={{ display: 'grid', gridTemplateColumns: 'repeat(7, minmax(0, 1fr))', gap: 0.5, mt: 1 }}>
        {EXPRESSIONS.map((expression) => (
          <EmojiPicture key={expression} emoji={emoji} expression={expression} alt="" size="100%" px={48} />
        ))}
      </Box>
    </Box>
  );
}
