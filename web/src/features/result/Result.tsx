import { useState } from 'react';
import { useParams } from 'react-router';

import { problemOf } from '@/lib/api/apiErrors';
import type { Task } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { LinkButton } from '@/components/LinkButton';
import { Page, useTitle } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';

import { useFailure } from '@/lib/tasks/messages';
import { ended } from '@/lib/tasks/taskState';
import { messages } from './messages';
import { Finished } from './components/FinishedResult';
import { useTask } from './hooks/useTask';
import { Working } from './components/TaskProgress';

/** A photo: on its way, finished, or failed. */
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
    return <Finished task={task} following={following} onDelete={() => setDeleted(true)} />;
  }
  if (task && !ended(task)) {
    return (
      <Page title={t.working} width="md">
        <Working task={task} connection={connection} />
      </Page>
    );
  }
  if (task) return <Failed task={task} />;
  if (error && [400, 404].includes(problemOf(error).status)) return <Gone />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return <PageSkeleton />;
}

function Gone() {
  const t = useMessages(messages);
  useTitle(t.goneTitle);
  return (
    <EmptyState
      face="surprise"
      title={t.goneTitle}
      action={
        <LinkButton variant="contained" to="/me">
          {t.toMine}
        </LinkButton>
      }
    >
      {t.gone}
    </EmptyState>
  );
}

function Failed({ task }: { task: Task }) {
  const t = useMessages(messages);
  const failure = useFailure();
  const reason = task.error?.reason ?? 'UNKNOWN';
  const title = reason === 'CANCELLED' ? t.stopped : t.failedTitle;
  useTitle(title);
  return (
    <EmptyState
      face="sad"
      title={title}
      action={
        <LinkButton variant="contained" to={`/make?emoji=${task.emoji_id}`}>
          {t.tryAnother}
        </LinkButton>
      }
    >
      {reason === 'CANCELLED' ? null : failure(reason)}
    </EmptyState>
  );
}
