import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import CardActionArea from '@mui/material/CardActionArea';
import Chip from '@mui/material/Chip';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

import { EmojiPicture } from '@/components/EmojiPicture';
import { LinkButton } from '@/components/LinkButton';
import { useDeleteEmojiMutation } from '@/lib/api/emojis';
import type { Emoji } from '@/lib/api/schema';
import { useFormats, useMessages } from '@/lib/i18n';

import { messages } from './messages';
import { useConfirmedDelete } from './useConfirmedDelete';

/** One of the user's own templates in the list. */
export function TemplateCard({ emoji }: { emoji: Emoji }) {
  const t = useMessages(messages);
  const { number } = useFormats();
  const [deleteEmoji] = useDeleteEmojiMutation();
  const { ask, dialog } = useConfirmedDelete({
    title: t.deleteEmoji(emoji.name),
    text: t.deleteEmojiText,
    done: t.emojiDeleted,
    remove: () => deleteEmoji({ id: emoji.id }).unwrap(),
  });
  return (
    <Card component="li" sx={{ display: 'flex', flexDirection: 'column' }}>
      <CardActionArea component={Link} to={`/templates/${emoji.id}`} sx={{ p: 2, flex: 1 }}>
        <Box sx={{ display: 'grid', justifyItems: 'center', gap: 1 }}>
          <EmojiPicture emoji={emoji} expression="happy" alt="" size={96} />
          <Typography variant="h4" component="p" noWrap sx={{ maxWidth: 1 }}>
            {emoji.name}
          </Typography>
          <Typography variant="body2" color="textSecondary">
            {t.uses(number(emoji.uses))}
          </Typography>
          <Chip
            size="small"
            {...(emoji.hidden && { color: 'error' })}
            label={emoji.hidden ? t.hidden : t[visibilityOf(emoji)]}
          />
        </Box>
      </CardActionArea>
      <Box sx={{ p: 1, display: 'flex', flexWrap: 'wrap', justifyContent: 'center', gap: 0.5 }}>
        <LinkButton
          size="small"
          to={`/templates/${emoji.id}/edit`}
          aria-label={t.editNamed(emoji.name)}
          sx={{ px: 1.5 }}
        >
          {t.edit}
        </LinkButton>
        <Button size="small" color="error" onClick={ask} aria-label={t.deleteNamed(emoji.name)} sx={{ px: 1.5 }}>
          {t.delete}
        </Button>
      </Box>
      {dialog}
    </Card>
  );
}

function visibilityOf({ visibility }: Emoji): 'public' | 'unlisted' | 'private' {
  return visibility === 'private' || visibility === 'unlisted' ? visibility : 'public';
}
