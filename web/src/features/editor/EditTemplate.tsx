import { useReducer, useState } from 'react';
import { Navigate, useParams } from 'react-router';

import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';
import { isNotFound, toApiError } from '@/lib/api/apiErrors';
import { emojis, useGetEmojiQuery, useUpdateEmojiMutation } from '@/lib/api/emojis';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch, useAppSelector } from '@/lib/store';

import { updateRequest } from './api/requests';
import { ConflictDialog } from './components/ConflictDialog';
import { EditorForm } from './components/EditorForm';
import { UnsavedChangesGuard } from './components/UnsavedChangesGuard';
import { editorMessages } from './messages';
import { changedFields, draftOf, rebase, templateOf, type Rebased, type Template } from './utils/changes';
import { reduce, type Draft } from './utils/draft';

/** Edit one of the user's own templates. */
export default function EditTemplate() {
  const { id = '' } = useParams();
  const t = useMessages(editorMessages);
  const user = useAppSelector(selectUser);
  const { currentData, error, isFetching, refetch } = useGetEmojiQuery({ id }, { refetchOnMountOrArgChange: true });
  // The edit is based on the template as it was when the editor opened; a newer version is a conflict on saving.
  const [opened, setOpened] = useState<{ id: string; template: Template } | null>(null);
  if (opened?.id === id) return <EditForm key={id} initial={opened.template} />;
  if (error) {
    return isNotFound(error) ? (
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

function EditForm({ initial }: { initial: Template }) {
  const t = useMessages(editorMessages);
  const dispatchToStore = useAppDispatch();
  const errorMessage = useErrorMessage();
  const [original, setOriginal] = useState(initial);
  const [draft, dispatch] = useReducer(reduce, initial, draftOf);
  const [conflict, setConflict] = useState<(Rebased & { current: Template }) | null>(null);
  const [saved, setSaved] = useState(false);
  const [update, { error, isLoading }] = useUpdateEmojiMutation();

  const save = async (edited: Draft, base: Template) => {
    const { data, error: refusal } = await update(await updateRequest(edited, base));
    if (data) {
      dispatchToStore(notified(t.saved(data.name)));
      setSaved(true);
    } else if (isConflict(refusal)) {
      const { data: newer } = await dispatchToStore(
        emojis.endpoints.getEmoji.initiate({ id: base.id }, { forceRefetch: true, subscribe: false }),
      );
      const current = newer && templateOf(newer);
      if (current) setConflict({ ...rebase(edited, base, current), current });
      else dispatchToStore(notified(errorMessage(refusal), 'error'));
    }
  };
  /** Continue the edit on top of the current template. */
  const continueFrom = (rebased: Draft, current: Template) => {
    dispatch({ type: 'replaced', draft: rebased });
    setOriginal(current);
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
          onKeepMine={() => {
            continueFrom(conflict.draft, conflict.current);
            void save(conflict.draft, conflict.current);
          }}
          onTakeTheirs={() => continueFrom(draftOf(conflict.current), conflict.current)}
          onReview={() => continueFrom(conflict.draft, conflict.current)}
        />
      )}
      <UnsavedChangesGuard when={changed} />
    </Page>
  );
}

/** Conflicts are shown in the dialog, not in the form. */
function isConflict(error: unknown): boolean {
  return toApiError(error).reason === 'EDIT_CONFLICT';
}
