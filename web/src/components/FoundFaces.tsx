import Box from '@mui/material/Box';

import type { Task } from '@/lib/api/schema';
import { boxStyle } from '@/lib/geometry';

/** Frames around the faces found so far, over the whole photo. */
export function FoundFaces({ task }: { task: Task }) {
  if (task.width === 0) return null;
  return task.faces.map(
    ({ face, box }) =>
      box && (
        <Box
          key={face}
          aria-hidden
          sx={{
            position: 'absolute',
            border: '2px solid',
            borderColor: 'primary.main',
            borderRadius: '30%',
            boxShadow: '0 0 0 1px rgb(0 0 0 / 60%)',
            pointerEvents: 'none',
          }}
          style={boxStyle(box, task)}
        />
      ),
  );
}
