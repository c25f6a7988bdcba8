import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { lazy, Suspense, useState } from 'react';
import { useNavigate } from 'react-router';

import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DownloadIcon, ShareIcon, TrashIcon } from '@/components/icons';
import { LinkButton } from '@/components/LinkButton';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { Task } from '@/lib/api/schema';
import { useDeleteTaskMutation } from '@/lib/api/tasks';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useOriginals } from '@/lib/originals';
import { useAppDispatch } from '@/lib/store';

import type { ResultImage } from '../hooks/useResultImage';
import { messages } from '../messages';

const ShareDialog = lazy(() => import('./ShareDialog'));

const EXTENSIONS: Record<string, string> = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' };

/** Actions on the whole result: download, share, delete. */
export function ResultActions({
  task,
  image,
  onDelete,
}: {
  task: Task;
  image: ResultImage | null;
  onDelete: () => void;
}) {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const originals = useOriginals();
  const [open, setOpen] = useState<'share' | 'delete' | null>(null);
  const [deleteTask, { isLoading }] = useDeleteTaskMutation();
  const name = `igemoji-${task.task_id.slice(-12)}.${EXTENSIONS[image?.blob.type ?? ''] ?? 'jpg'}`;

  async function remove() {
    try {
      await deleteTask({ task_id: task.task_id }).unwrap();
      onDelete();
      originals.forget(task.task_id);
      dispatch(notified(t.deleted));
      await navigate('/me', { replace: true });
    } catch (error) {
      setOpen(null);
      dispatch(notified(errorMessage(error), 'error'));
    }
  }

  return (
    <Box sx={{ display: 'grid', gridTemplateColumns: '1fr 1fr', gap: 1 }}>
      <Button
        variant="contained"
        size="large"
        disabled={!image}
        startIcon={<DownloadIcon />}
        component="a"
        href={image?.url ?? ''}
        download={name}
        sx={{ gridColumn: '1 / -1' }}
      >
        {t.download}
      </Button>
      <Button variant="outlined" disabled={!image} startIcon={<ShareIcon />} onClick={() => setOpen('share')}>
        {t.share}
      </Button>
      <LinkButton variant="outlined" to={`/make?emoji=${task.emoji_id}`}>
        {t.again}
      </LinkButton>
      <Button
        color="error"
        startIcon={<TrashIcon />}
        onClick={() => setOpen('delete')}
        sx={{ gridColumn: '1 / -1', justifySelf: 'center' }}
      >
        {t.delete}
      </Button>
      <Suspense fallback={null}>
        {open === 'share' && image && (
          <ShareDialog
            taskId={task.task_id}
            photo={new File([image.blob], name, { type: image.blob.type })}
            onClose={() => setOpen(null)}
          />
        )}
      </Suspense>
      <ConfirmDialog
        open={open === 'delete'}
        title={t.deleteTitle}
        confirm={t.delete}
        destructive
        busy={isLoading}
        onConfirm={remove}
        onClose={() => setOpen(null)}
      >
        {t.deleteText}
      </ConfirmDialog>
    </Box>
  );
}
