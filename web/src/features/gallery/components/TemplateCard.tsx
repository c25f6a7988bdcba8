import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardActionArea from '@mui/material/CardActionArea';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

import { EmojiPicture } from '@/components/EmojiPicture';
import { PeopleIcon } from '@/components/icons';
import { LinkButton } from '@/components/LinkButton';
import type { Emoji } from '@/lib/api/schema';
import { EXPRESSIONS } from '@/lib/expressions';
import { useFormats, useMessages } from '@/lib/i18n';
import { tileColor } from '@/lib/tileColor';

import { galleryMessages } from '../messages';
import { FavoriteButton } from './FavoriteButton';

/** Template in a list: the happy picture large, the other six small. `first`: visible without scrolling. */
export function TemplateCard({ emoji, first = false }: { emoji: Emoji; first?: boolean }) {
  const t = useMessages(galleryMessages);
  const { number } = useFormats();
  return (
    <Card component="article" sx={{ display: 'flex', flexDirection: 'column', width: '100%' }}>
      <CardActionArea
        component={Link}
        to={`/templates/${emoji.id}`}
        sx={{ flex: 1, alignContent: 'start', ...hoverEffect }}
      >
        <Box sx={{ display: 'grid', placeItems: 'center', py: { xs: 2, sm: 3 }, bgcolor: tileColor(emoji.id) }}>
          <EmojiPicture emoji={emoji} expression="happy" alt="" size="56%" px={160} first={first} />
          <Box sx={{ display: 'flex', justifyContent: 'center', gap: '1%', mt: 1.5, width: '100%' }}>
            {EXPRESSIONS.filter((expression) => expression !== 'happy').map((expression) => (
              <EmojiPicture key={expression} emoji={emoji} expression={expression} alt="" size="12.5%" px={36} />
            ))}
          </Box>
        </Box>
        <Box sx={{ px: { xs: 1.5, sm: 2 }, pt: 1.5 }}>
          <Typography component="h2" variant="h4" sx={twoLines}>
            {emoji.name}
          </Typography>
          <Typography variant="body2" color="textSecondary" sx={oneLine}>
            {emoji.built_in ? t.builtIn : t.by(emoji.owner?.alias ?? '')}
          </Typography>
        </Box>
      </CardActionArea>
      <Box sx={footer}>
        <FavoriteButton emoji={emoji} />
        <Box
          aria-label={t.uses(number(emoji.uses))}
          role="img"
          sx={{ display: 'flex', alignItems: 'center', gap: 0.5, color: 'text.secondary', flex: 1, minWidth: 0 }}
        >
          <PeopleIcon fontSize="small" />
          <Typography component="span" variant="body2">
            {number(emoji.uses)}
          </Typography>
        </Box>
        <LinkButton
          to={`/make?emoji=${emoji.id}`}
          aria-label={t.useNamed(emoji.name)}
          variant="contained"
          size="small"
          sx={{ flexBasis: { xs: '100%', sm: 'auto' } }}
        >
          {t.useNow}
        </LinkButton>
      </Box>
    </Card>
  );
}

const oneLine = { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' } as const;

/** On a phone the button has its own row. */
const footer = { display: 'flex', alignItems: 'center', flexWrap: 'wrap', gap: 0.5, px: 1, pb: 1 } as const;

const twoLines = {
  display: '-webkit-box',
  WebkitBoxOrient: 'vertical',
  WebkitLineClamp: 2,
  overflow: 'hidden',
} as const;

const hoverEffect = {
  '& img': { transition: 'transform 200ms' },
  '&:hover img:first-of-type': { transform: 'scale(1.08) rotate(-4deg)' },
};
