import { useState } from 'react';
import { useParams } from 'react-router';

import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';
import { isNotFound } from '@/lib/api/apiErrors';
import type { Task } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { useTaskFailureMessage } from '@/lib/tasks/messages';
import { isEnded } from '@/lib/tasks/taskState';

import { FinishedResult } from './components/FinishedResult';
import { TaskProgress } from './components/TaskProgress';
import { useTask } from './hooks/useTask';
import { messages } from './messages';

/** The page of a task: in progress, finished, or failed. */
export default function Result() {
  const { taskId = '' } = useParams();
  return <OneResult key={taskId} taskId={taskId} />;
}

function OneResult({ taskId }: { taskId: string }) {
  const t = useMessages(messages);
  const [deleted, setDeleted] = useState(false);
  const following = useTask(deleted ? undefined : taskId);
  const { task, error, refetch, connection } = following;

  if (task?.image_url) {
    return <FinishedResult task={task} following={following} onDelete={() => setDeleted(true)} />;
  }
  if (task && !isEnded(task)) {
    return (
      <Page title={t.working} width="md">
        <TaskProgress task={task} connection={connection} />
      </Page>
    );
  }
  if (task) return <Failed task={task} />;
  if (error && isNotFound(error)) {
    return (
      <EmptyState page face="surprise" title={t.goneTitle} actionTo="/me" actionLabel={t.toMine}>
        {t.gone}
      </EmptyState>
    );
  }
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return <PageSkeleton />;
}

function Failed({ task }: { task: Task }) {
  const t = useMessages(messages);
  const failureMessage = useTaskFailureMessage();
  const reason = task.error?.reason ?? 'UNKNOWN';
  const canceled = reason === 'CANCELLED';
  return (
    <EmptyState
      page
      face="sad"
      title={canceled ? t.stopped : t.failedTitle}
      actionTo={`/make?emoji=${task.emoji_id}`}
      actionLabel={t.tryAnother}
    >
      {canceled ? null : failureMessage(reason)}
    </EmptyState>
  );
}
