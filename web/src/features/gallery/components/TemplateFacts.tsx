import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';

import type { Emoji } from '@/lib/api/schema';
import { useFormats, useMessages } from '@/lib/i18n';

import { galleryMessages, templateMessages } from '../messages';

/** Maker, date, use count and favorites of a template, and its visibility if it is not public. */
export function TemplateFacts({ emoji }: { emoji: Emoji }) {
  const t = useMessages(templateMessages);
  const list = useMessages(galleryMessages);
  const { date, number } = useFormats();
  const facts = [
    emoji.built_in ? list.builtIn : list.by(emoji.owner?.alias ?? ''),
    ...(emoji.created_at && !emoji.built_in ? [t.madeOn(date(emoji.created_at))] : []),
    list.uses(number(emoji.uses)),
    list.loves(number(emoji.favorites)),
  ];
  return (
    <Box component="span" sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center' }}>
      {emoji.visibility === 'unlisted' && <Chip component="span" size="small" label={t.visibility_unlisted} />}
      {emoji.visibility === 'private' && <Chip component="span" size="small" label={t.visibility_private} />}
      <span>{facts.join(' · ')}</span>
    </Box>
  );
}
