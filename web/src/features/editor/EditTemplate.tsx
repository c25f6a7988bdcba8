import { useReducer, useState } from 'react';
import { Navigate, useParams } from 'react-router';

import { emojis, useGetEmojiQuery, useUpdateEmojiMutation } from '@/lib/api/emojis';
import { problemOf } from '@/lib/api/apiErrors';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch, useAppSelector } from '@/app/store';
import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';

import { changedFields, draftOf, rebase, templateOf, type Rebased, type Template } from './utils/changes';
import { ConflictDialog } from './components/ConflictDialog';
import { reduce, type Draft } from './utils/draft';
import { EditorForm } from './components/EditorForm';
import { LeaveGuard } from './components/UnsavedChangesGuard';
import { editorMessages } from './messages';
import { updateRequest } from './api/requests';

/** Edits a template of one's own. */
export default function EditTemplate() {
  const { id = '' } = useParams();
  const t = useMessages(editorMessages);
  const user = useAppSelector(selectUser);
  const { currentData, error, isFetching, refetch } = useGetEmojiQuery({ id }, { refetchOnMountOrArgChange: true });
  // What is edited is the template as it was when the editor opened: a newer one is told of when it is saved.
  const [opened, setOpened] = useState<{ id: string; template: Template } | null>(null);
  if (opened?.id === id) return <Edit key={id} begin={opened.template} />;
  if (error) {
    const gone = [400, 404].includes(problemOf(error).status);
    return gone ? (
      <EmptyState face="surprise" title={t.goneTitle} />
    ) : (
      <ErrorState error={error} onRetry={() => void refetch()} />
    );
  }
  if (!currentData || isFetching) return <PageSkeleton />;
  if (currentData.built_in || currentData.owner?.id !== user?.id) return <EmptyState face="angry" title={t.notYours} />;
  const template = templateOf(currentData);
  if (template) setOpened({ id, template });
  return <PageSkeleton />;
}

function Edit({ begin }: { begin: Template }) {
  const t = useMessages(editorMessages);
  const tell = useAppDispatch();
  const explain = useExplain();
  const [original, setOriginal] = useState(begin);
  const [draft, dispatch] = useReducer(reduce, begin, draftOf);
  const [conflict, setConflict] = useState<(Rebased & { present: Template }) | null>(null);
  const [saved, setSaved] = useState(false);
  const [update, { error, isLoading }] = useUpdateEmojiMutation();

  const save = async (edited: Draft, over: Template) => {
    const { data, error: refused } = await update(await updateRequest(edited, over));
    if (data) {
      tell(notified(t.saved(data.name)));
      setSaved(true);
    } else if (isConflict(refused)) {
      const { data: newer } = await tell(
        emojis.endpoints.getEmoji.initiate({ id: over.id }, { forceRefetch: true, subscribe: false }),
      );
      const present = newer && templateOf(newer);
      if (present) setConflict({ ...rebase(edited, over, present), present });
      else tell(notified(explain(refused), 'error'));
    }
  };
  /** From now on the edit is one of the template as it is now. */
  const settle = (rebased: Draft, present: Template) => {
    dispatch({ type: 'replaced', draft: rebased });
    setOriginal(present);
    setConflict(null);
  };
  if (saved) return <Navigate to={`/templates/${original.id}`} replace />;
  const changed = changedFields(draft, original).length > 0;
  return (
    <Page title={t.editTitle(original.name)}>
      <EditorForm
        draft={draft}
        dispatch={dispatch}
        submit={t.save}
        saving={isLoading}
        error={isConflict(error) ? undefined : error}
        unchanged={!changed}
        onSave={() => save(draft, original)}
      />
      {conflict && (
        <ConflictDialog
          conflict={conflict}
          onKeep={() => {
            settle(conflict.draft, conflict.present);
            void save(conflict.draft, conflict.present);
          }}
          onTheirs={() => settle(draftOf(conflict.present), conflict.present)}
          onLook={() => settle(conflict.draft, conflict.present)}
        />
      )}
      <LeaveGuard when={changed} />
    </Page>
  );
}

/** The dialog tells of it, not the form. */
function isConflict(error: unknown): boolean {
  return problemOf(error).reason === 'EDIT_CONFLICT';
}
