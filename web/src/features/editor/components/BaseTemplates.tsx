import Box from '@mui/material/Box';
import Skeleton from '@mui/material/Skeleton';
import Typography from '@mui/material/Typography';

import { Picture } from '@/components/Picture';
import { useListEmojisQuery } from '@/lib/api/emojis';
import { useMessages } from '@/lib/i18n';
import { thumbnailUrl } from '@/lib/thumbnails';
import { tileColor } from '@/lib/tileColor';

import { editorMessages } from '../messages';
import { templateOf } from '../utils/changes';
import type { BaseTemplate } from '../utils/draft';

/** ID of the account that owns the built-in templates. */
const BUILT_IN_OWNER = '00000000-0000-7000-8000-000000000001';

interface Props {
  chosen: BaseTemplate | null;
  onChoose: (base: BaseTemplate | null) => void;
}

/** Choice of a built-in template as the base: it fills all slots without a chosen picture. */
export function BaseTemplates({ chosen, onChoose }: Props) {
  const t = useMessages(editorMessages);
  const first = useListEmojisQuery({ page_number: 1, owner_id: BUILT_IN_OWNER });
  const second = useListEmojisQuery(
    { page_number: 2, owner_id: BUILT_IN_OWNER },
    { skip: !first.data?.next_page_token },
  );
  const builtIns = [...(first.data?.emojis ?? []), ...(second.data?.emojis ?? [])].flatMap(
    (emoji) => templateOf(emoji) ?? [],
  );
  const others = chosen && !builtIns.some(({ id }) => id === chosen.id) ? [chosen] : [];
  return (
    <Box component="section" aria-labelledby="start-from" sx={{ mb: 4 }}>
      <Typography id="start-from" variant="h3" component="h2" sx={{ mb: 1.5 }}>
        {t.startFrom}
      </Typography>
      <Box role="group" aria-labelledby="start-from" sx={row}>
        <Tile label={t.blank} pressed={chosen === null} onClick={() => onChoose(null)} />
        {[...others, ...builtIns].map((set) => (
          <Tile
            key={set.id}
            label={set.name}
            color={tileColor(set.id)}
            picture={thumbnailUrl(set.images.happy, 56)}
            pressed={chosen?.id === set.id}
            onClick={() => onChoose(set)}
          />
        ))}
        {first.isLoading &&
          Array.from({ length: 6 }, (_, index) => (
            <Skeleton key={index} variant="rounded" width={104} height={120} sx={{ flexShrink: 0 }} />
          ))}
      </Box>
    </Box>
  );
}

interface TileProps {
  label: string;
  pressed: boolean;
  color?: string;
  picture?: string;
  onClick: () => void;
}

function Tile({ label, pressed, color = 'transparent', picture, onClick }: TileProps) {
  return (
    <Box component="button" type="button" aria-pressed={pressed} onClick={onClick} sx={{ ...tile, bgcolor: color }}>
      {picture ? <Picture src={picture} alt="" size={56} /> : <Box sx={blank} />}
      <span>{label}</span>
    </Box>
  );
}

const row = { display: 'flex', gap: 1.5, overflowX: 'auto', p: 0.5, m: -0.5, scrollSnapType: 'x proximity' } as const;

const tile = {
  display: 'grid',
  justifyItems: 'center',
  alignContent: 'center',
  gap: 1,
  flex: '0 0 104px',
  minHeight: 120,
  p: 1,
  border: 3,
  borderColor: 'divider',
  borderRadius: 1.5,
  color: 'text.primary',
  font: 'inherit',
  fontSize: 13,
  fontWeight: 700,
  lineHeight: 1.2,
  cursor: 'pointer',
  scrollSnapAlign: 'start',
  '&[aria-pressed=true]': { borderColor: 'primary.main' },
  '&:focus-visible': { outline: '3px solid', outlineColor: 'secondary.main', outlineOffset: 1 },
} as const;

const blank = {
  width: 48,
  height: 48,
  borderRadius: '50%',
  border: '3px dashed',
  borderColor: 'text.secondary',
  m: 0.5,
};
