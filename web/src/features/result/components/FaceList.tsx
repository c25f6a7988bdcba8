import Box from '@mui/material/Box';
import ButtonBase from '@mui/material/ButtonBase';
import Typography from '@mui/material/Typography';

import type { Emoji, Face } from '@/lib/api/schema';
import { isExpression } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { messages } from '../messages';
import { useFaceName } from './FaceMarks';
import { TemplatePicture } from './FacePanel';

interface Props {
  faces: readonly Face[];
  emoji: Emoji | undefined;
  selected: number | null;
  onSelect: (face: number) => void;
}

/** All faces in a row, because small ones are hard to hit on the photo. */
export function FaceList({ faces, emoji, selected, onSelect }: Props) {
  const t = useMessages(messages);
  const name = useFaceName();
  return (
    <Box component="section" aria-label={t.faces(faces.length)}>
      <Typography variant="h4" component="h2" sx={{ mb: 1 }}>
        {t.faces(faces.length)}
      </Typography>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 0.75, maxHeight: 224, overflowY: 'auto', p: 0.5 }}>
        {faces.map((face) => (
          <ButtonBase
            key={face.face}
            aria-label={name(face)}
            aria-pressed={face.face === selected}
            onClick={() => onSelect(face.face)}
            sx={{
              p: 0.5,
              width: 52,
              height: 52,
              borderRadius: 0.75,
              border: '3px solid',
              borderColor: 'divider',
              borderStyle: face.uncertain ? 'dashed' : 'solid',
              opacity: face.covered ? 1 : 0.45,
              '&[aria-pressed=true]': { borderColor: 'primary.main', bgcolor: 'background.paper' },
            }}
          >
            {isExpression(face.expression) ? (
              <TemplatePicture emoji={emoji} expression={face.expression} size={38} />
            ) : (
              '…'
            )}
          </ButtonBase>
        ))}
      </Box>
    </Box>
  );
}
