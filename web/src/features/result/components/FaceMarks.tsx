import Box from '@mui/material/Box';
import ButtonBase from '@mui/material/ButtonBase';

import type { Face, Task } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { isExpression, useExpressionNames } from '@/lib/expressions';

import { placed } from '@/lib/geometry';
import { messages } from '../messages';

interface Props {
  task: Task;
  selected: number | null;
  onSelect: (face: number) => void;
}

/** The faces on the photo: outlined when one points at them, marked where the AI is not sure. */
export function FaceMarks({ task, selected, onSelect }: Props) {
  const name = useFaceName();
  return bySize(task.faces).map((face) => (
    <ButtonBase
      key={face.face}
      aria-label={name(face)}
      aria-pressed={face.face === selected}
      onClick={() => onSelect(face.face)}
      style={face.box && placed(face.box, task)}
      sx={{
        position: 'absolute',
        borderRadius: '28%',
        border: '3px solid transparent',
        borderStyle: face.covered ? 'solid' : 'dashed',
        borderColor: face.covered ? 'transparent' : 'common.white',
        transition: 'border-color 120ms',
        '&:hover, &:focus-visible, &[aria-pressed=true]': {
          borderColor: 'primary.main',
          boxShadow: '0 0 0 2px rgb(0 0 0 / 55%), inset 0 0 0 2px rgb(0 0 0 / 35%)',
          zIndex: 1,
        },
      }}
    >
      {face.uncertain && (
        <Box
          aria-hidden
          sx={{
            position: 'absolute',
            top: -6,
            right: -6,
            width: 22,
            height: 22,
            borderRadius: '50%',
            display: 'grid',
            placeItems: 'center',
            bgcolor: 'primary.main',
            color: 'primary.contrastText',
            border: '2px solid',
            borderColor: 'primary.contrastText',
            fontSize: 13,
            fontWeight: 700,
          }}
        >
          ?
        </Box>
      )}
    </ButtonBase>
  ));
}

/** What a face is called, for who can't see it. */
export function useFaceName(): (face: Face) => string {
  const t = useMessages(messages);
  const names = useExpressionNames();
  return ({ face, expression, uncertain, covered }) =>
    [t.face(face + 1), isExpression(expression) && names[expression], uncertain && t.uncertain, !covered && t.uncovered]
      .filter(Boolean)
      .join(', ');
}

/** The largest first, so that a small face before a large one lies on top and can be reached. */
function bySize(faces: readonly Face[]): Face[] {
  const area = ({ box }: Face) => (box ? box.width * box.height : 0);
  return [...faces].sort((a, b) => area(b) - area(a));
}
