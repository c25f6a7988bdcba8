import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import LinearProgress from '@mui/material/LinearProgress';
import Typography from '@mui/material/Typography';

import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { FoundFaces } from '@/components/FoundFaces';
import { LocalPhoto } from '@/components/LocalPhoto';
import { Picture } from '@/components/Picture';
import type { Task } from '@/lib/api/schema';
import { useCancelTaskMutation } from '@/lib/api/tasks';
import { useMessages } from '@/lib/i18n';
import { useOriginals } from '@/lib/originals';
import type { Connection } from '@/lib/tasks/followTask';
import { stepMessages } from '@/lib/tasks/messages';
import { isInProgress } from '@/lib/tasks/taskState';

import { messages } from '../messages';

/** Progress of a task on its own page: after a reload, or in another tab. */
export function TaskProgress({ task, connection }: { task: Task; connection: Connection }) {
  const t = useMessages(messages);
  const steps = useMessages(stepMessages);
  const [cancel, { isLoading }] = useCancelTaskMutation();
  const original = useOriginals().get(task.task_id);
  const picture = <Picture src={EXPRESSION_PICTURES.surprise} alt="" size={112} />;
  return (
    <Box sx={{ display: 'grid', gap: 2, justifyItems: 'center' }}>
      {original ? (
        <Box sx={{ position: 'relative' }}>
          <LocalPhoto
            file={original}
            alt={t.original}
            fallback={picture}
            sx={{ maxWidth: 1, maxHeight: '52vh', display: 'block', borderRadius: 1 }}
          />
          <FoundFaces task={task} />
        </Box>
      ) : (
        picture
      )}
      <Typography aria-live="polite">
        {connection === 'offline' ? t.reconnecting : isInProgress(task.state) && steps[task.state]}
      </Typography>
      <LinearProgress
        aria-label={t.progress}
        variant={task.percent > 0 ? 'determinate' : 'indeterminate'}
        value={task.percent}
        sx={{ width: 1, height: 10, borderRadius: 1 }}
      />
      <Button variant="outlined" loading={isLoading} onClick={() => cancel({ task_id: task.task_id })}>
        {t.stop}
      </Button>
    </Box>
  );
}
