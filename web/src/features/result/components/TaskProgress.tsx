import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import LinearProgress from '@mui/material/LinearProgress';
import Typography from '@mui/material/Typography';

import type { Task } from '@/api/schema';
import { useCancelTaskMutation } from '@/api/tasks';
import { useMessages } from '@/app/i18n';
import { FACES } from '@/components/art';
import { Picture } from '@/components/Picture';

import { originals } from '../photo/originals';
import { LocalPhoto } from '../photo/LocalPhoto';
import type { Connection } from '../task/follow';
import { FoundFaces } from '../task/FoundFaces';
import { stepMessages } from '../task/messages';
import { isStep } from '../task/task';
import { messages } from './messages';

/** A photo that is being worked on, seen from its own address: after a reload, or in another tab. */
export function Working({ task, connection }: { task: Task; connection: Connection }) {
  const t = useMessages(messages);
  const steps = useMessages(stepMessages);
  const [cancel, { isLoading }] = useCancelTaskMutation();
  const original = originals.of(task.task_id);
  const picture = <Picture src={FACES.surprise} alt="" size={112} />;
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
        {connection === 'offline' ? t.reconnecting : isStep(task.state) && steps[task.state]}
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
