import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Chip from '@mui/material/Chip';
import CircularProgress from '@mui/material/CircularProgress';
import Skeleton from '@mui/material/Skeleton';
import type { ReactNode } from 'react';

import type { Task } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';

import type { useResultImage } from '../hooks/useResultImage';
import { messages } from '../messages';

interface Props {
  task: Task;
  picture: ReturnType<typeof useResultImage>;
  updating: boolean;
  /** Shown over the photo, positioned in percent of its size. */
  children: ReactNode;
}

const HEIGHT = '68vh';

/** The result, as large as possible, with children over it at the same size. */
export function PhotoFrame({ task, picture: { image, failed, retry }, updating, children }: Props) {
  const t = useMessages(messages);
  const { width, height } = task;
  if (failed && !image) {
    return (
      <Alert
        severity="error"
        action={
          <Button size="small" onClick={retry}>
            {t.retry}
          </Button>
        }
      >
        {t.imageFailed}
      </Alert>
    );
  }
  return (
    <Box
      sx={{ position: 'relative', justifySelf: 'center', maxWidth: 1 }}
      // As wide as the column and the height of the window allow; a small photo is not enlarged more than twice.
      style={{
        aspectRatio: `${String(width)} / ${String(height)}`,
        width: `min(100%, calc(${HEIGHT} * ${String(width / height)}), ${String(Math.max(2 * width, 320))}px)`,
      }}
    >
      {image ? (
        <Box
          component="img"
          src={image.url}
          alt={t.photo(task.faces.length)}
          draggable={false}
          sx={{ display: 'block', width: 1, height: 1, borderRadius: 0.75 }}
        />
      ) : (
        <Skeleton variant="rounded" width="100%" height="100%" />
      )}
      {children}
      <Box
        role="status"
        sx={{ position: 'absolute', bottom: 12, left: 0, right: 0, textAlign: 'center', pointerEvents: 'none' }}
      >
        {updating && (
          <Chip
            icon={<CircularProgress size={16} color="inherit" aria-hidden />}
            label={t.updating}
            sx={{ bgcolor: 'rgb(0 0 0 / 75%)', color: 'common.white' }}
          />
        )}
      </Box>
    </Box>
  );
}
