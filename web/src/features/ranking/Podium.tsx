import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

import { EmojiPicture } from '@/components/EmojiPicture';
import { useFormats, useMessages } from '@/lib/i18n';

import type { Entry } from './entries';
import { rankingMessages } from './messages';
import { podiumOrder, stepHeight } from './scale';

const STEP_COLORS = ['primary.main', 'primary.light', '#ffb68a'];

/** The top three: in rank order for screen readers, with the first in the middle on screen. */
export function Podium({ entries }: { entries: Entry[] }) {
  const t = useMessages(rankingMessages);
  const topThree = entries.slice(0, 3);
  const places = podiumOrder(topThree);
  return (
    <Box component="section" aria-label={t.podium}>
      <Box
        component="ol"
        sx={{
          display: 'grid',
          gridTemplateColumns: `repeat(${places.length}, minmax(0, 200px))`,
          justifyContent: 'center',
          alignItems: 'end',
          gap: { xs: 1, sm: 2 },
          listStyle: 'none',
          p: 0,
          m: 0,
        }}
      >
        {topThree.map((entry, index) => (
          <Step key={entry.emoji.id} entry={entry} order={places.indexOf(entry)} color={STEP_COLORS[index]!} />
        ))}
      </Box>
    </Box>
  );
}

function Step({ entry: { rank, emoji, uses }, order, color }: { entry: Entry; order: number; color: string }) {
  const t = useMessages(rankingMessages);
  const { number } = useFormats();
  return (
    <Box component="li" sx={{ order, display: 'grid', justifyItems: 'center', textAlign: 'center', minWidth: 0 }}>
      <Box component={Link} to={`/templates/${emoji.id}`} sx={stepLink}>
        <EmojiPicture emoji={emoji} expression="happy" alt="" size={rank === 1 ? '84%' : '68%'} px={168} />
        <Typography variant="h4" component="span" sx={{ maxWidth: '100%', ...twoLines }}>
          {emoji.name}
        </Typography>
        <Typography variant="body2" component="span" color="textSecondary">
          {t.uses(number(uses))}
        </Typography>
      </Box>
      <Box
        sx={{
          display: 'grid',
          placeItems: 'start center',
          pt: 1.5,
          width: '100%',
          height: `${stepHeight(rank) * 1.4}px`,
          borderRadius: '20px 20px 0 0',
          bgcolor: color,
          color: 'primary.contrastText',
        }}
      >
        <Typography variant="h2" component="span" aria-label={t.place(rank)} role="img">
          {rank}
        </Typography>
      </Box>
    </Box>
  );
}

const twoLines = {
  display: '-webkit-box',
  WebkitLineClamp: 2,
  WebkitBoxOrient: 'vertical',
  overflow: 'hidden',
} as const;

const stepLink = {
  display: 'grid',
  justifyItems: 'center',
  gap: 0.5,
  pb: 1,
  width: '100%',
  color: 'text.primary',
  textDecoration: 'none',
  borderRadius: 1,
  '&:hover img': { transform: 'translateY(-4px)' },
  '& img': { transition: 'transform 200ms' },
  '&:focus-visible': { outline: '3px solid', outlineColor: 'secondary.main' },
} as const;
