import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import LinearProgress from '@mui/material/LinearProgress';
import Typography from '@mui/material/Typography';

import { AuthenticatedImage } from '@/components/AuthenticatedImage';
import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { FoundFaces } from '@/components/FoundFaces';
import { LinkButton } from '@/components/LinkButton';
import { LocalPhoto } from '@/components/LocalPhoto';
import { Picture } from '@/components/Picture';
import { useFormats, useMessages } from '@/lib/i18n';
import { stepMessages, useTaskFailureMessage } from '@/lib/tasks/messages';
import { isInProgress } from '@/lib/tasks/taskState';

import { messages } from '../messages';
import { isOpen, type Photo } from '../photosSlice';
import type { PhotoQueue } from '../utils/photoQueue';

/** A photo in the queue: its preview, progress and actions. */
export function PhotoCard({ photo, queue, large }: { photo: Photo; queue: PhotoQueue; large: boolean }) {
  const t = useMessages(messages);
  const status = useStatus(photo);
  return (
    <Box
      component="li"
      aria-label={t.photoNamed(photo.name)}
      sx={{
        display: 'grid',
        gridTemplateColumns: large ? '1fr' : { xs: '88px 1fr', sm: '120px 1fr' },
        gap: 2,
        alignItems: 'center',
        p: 2,
        borderRadius: 1.5,
        border: 1,
        borderColor: 'divider',
        bgcolor: 'background.paper',
      }}
    >
      <Preview photo={photo} file={queue.file(photo.id)} large={large} />
      <Box sx={{ display: 'grid', gap: 1, minWidth: 0 }}>
        <Typography noWrap sx={{ fontWeight: 700 }}>
          {photo.name}
        </Typography>
        <Typography variant="body2" color={photo.phase === 'failed' ? 'error' : 'textSecondary'} aria-live="polite">
          {status}
        </Typography>
        {isOpen(photo) && <Progress photo={photo} />}
        <Actions photo={photo} queue={queue} />
      </Box>
    </Box>
  );
}

function Preview({ photo, file, large }: { photo: Photo; file: File | undefined; large: boolean }) {
  const t = useMessages(messages);
  const picture = {
    display: 'block',
    width: 1,
    borderRadius: 1,
    ...(large ? { maxHeight: '52vh', objectFit: 'contain' } : { aspectRatio: '1', objectFit: 'cover' }),
  } as const;
  if (photo.phase === 'done' && photo.task?.image_url) {
    return <AuthenticatedImage path={photo.task.image_url} alt={t.photoNamed(photo.name)} sx={picture} />;
  }
  const fallback = (
    <Box sx={{ display: 'grid', justifyItems: 'center', gap: 1, py: large ? 4 : 1 }}>
      <Picture src={EXPRESSION_PICTURES.neutral} alt="" size={large ? 96 : 56} />
      {large && (
        <Typography variant="body2" color="textSecondary">
          {t.noPreview}
        </Typography>
      )}
    </Box>
  );
  if (!file) return fallback;
  return (
    // As wide as the photo, so that the frames match the faces.
    <Box sx={{ position: 'relative', justifySelf: 'center', ...(!large && { width: 1 }) }}>
      <LocalPhoto
        file={file}
        alt={t.photoNamed(photo.name)}
        fallback={fallback}
        sx={{ ...picture, ...(large && { width: 'auto', maxWidth: 1 }) }}
      />
      {large && photo.task && <FoundFaces task={photo.task} />}
    </Box>
  );
}

function Progress({ photo }: { photo: Photo }) {
  const t = useMessages(messages);
  const { phase, sent, task } = photo;
  const value = phase === 'uploading' ? 100 * sent : (task?.percent ?? 0);
  // Progress is unknown between the last byte and the answer, and before the first step.
  const indeterminate =
    (phase === 'uploading' && sent === 1) || (phase === 'working' && value === 0) || phase === 'waiting';
  return (
    <LinearProgress
      aria-label={t.progressOf(photo.name)}
      variant={indeterminate ? 'indeterminate' : 'determinate'}
      {...(!indeterminate && { value })}
      sx={{ height: 10, borderRadius: 1 }}
    />
  );
}

function Actions({ photo, queue }: { photo: Photo; queue: PhotoQueue }) {
  const t = useMessages(messages);
  const again = photo.phase === 'failed' || photo.phase === 'canceled';
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1 }}>
      {isOpen(photo) && (
        <Button size="small" variant="outlined" onClick={() => queue.cancel(photo.id)}>
          {t.cancel}
        </Button>
      )}
      {photo.phase === 'done' && (
        <LinkButton size="small" variant="contained" to={`/results/${photo.taskId ?? ''}`}>
          {t.open}
        </LinkButton>
      )}
      {again && (
        <Button size="small" variant="contained" onClick={() => queue.retry(photo.id)}>
          {t.retry}
        </Button>
      )}
      {!isOpen(photo) && (
        <Button size="small" onClick={() => queue.remove(photo.id)}>
          {t.remove}
        </Button>
      )}
    </Box>
  );
}

/** Return a sentence about the state of a photo. */
function useStatus({ phase, sent, task, connection, reason }: Photo): string {
  const t = useMessages(messages);
  const steps = useMessages(stepMessages);
  const failureMessage = useTaskFailureMessage();
  const { percent } = useFormats();
  switch (phase) {
    case 'waiting':
      return t.waiting;
    case 'uploading':
      return sent < 1 ? t.uploading(percent(sent)) : t.received;
    case 'working': {
      if (connection === 'offline') return t.reconnecting;
      const step = task && isInProgress(task.state) ? steps[task.state] : t.analysing;
      return task && task.faces.length > 0 ? `${step} · ${t.facesSoFar(task.faces.length)}` : step;
    }
    case 'done':
      return t.done(task?.faces.length ?? 0);
    case 'canceled':
      return t.cancelled;
    case 'failed':
      return failureMessage(reason ?? 'UNKNOWN');
  }
}
