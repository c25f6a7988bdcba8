import Box from '@mui/material/Box';
import ButtonBase from '@mui/material/ButtonBase';

import type { Face, Task } from '@/lib/api/schema';
import { isExpression, useExpressionNames } from '@/lib/expressions';
import { boxStyle } from '@/lib/geometry';
import { useMessages } from '@/lib/i18n';

import { messages } from '../messages';

interface Props {
  task: Task;
  selected: number | null;
  onSelect: (face: number) => void;
}

/** Buttons over the faces of the photo: outlined on hover and focus, with a mark if the AI is not sure. */
export function FaceMarks({ task, selected, onSelect }: Props) {
  const name = useFaceName();
  return bySize(task.faces).map((face) => (
    <ButtonBase
      key={face.face}
      aria-label={name(face)}
      aria-pressed={face.face === selected}
      onClick={() => onSelect(face.face)}
      style={face.box && boxStyle(face.box, task)}
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

/** Return a function that describes a face for screen readers. */
export function useFaceName(): (face: Face) => string {
  const t = useMessages(messages);
  const names = useExpressionNames();
  return ({ face, expression, uncertain, covered }) =>
    [t.face(face + 1), isExpression(expression) && names[expression], uncertain && t.uncertain, !covered && t.uncovered]
      .filter(Boolean)
      .join(', ');
}

/** Sort by size, largest first, so that a small face in front of a large one is on top. */
function bySize(faces: readonly Face[]): Face[] {
  const area = ({ box }: Face) => (box ? box.width * box.height : 0);
  return [...faces].sort((a, b) => area(b) - area(a));
}
