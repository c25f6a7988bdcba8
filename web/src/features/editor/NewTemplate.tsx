import { useReducer, useState } from 'react';
import { Navigate, useSearchParams } from 'react-router';

import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';
import { useCreateEmojiMutation, useGetEmojiQuery } from '@/lib/api/emojis';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { createRequest } from './api/requests';
import { BaseTemplates } from './components/BaseTemplates';
import { EditorForm } from './components/EditorForm';
import { UnsavedChangesGuard } from './components/UnsavedChangesGuard';
import { editorMessages } from './messages';
import { templateOf } from './utils/changes';
import { EMPTY_DRAFT, reduce, type Draft } from './utils/draft';

/** Create a template; `?base=ID` is the template to start from. */
export default function NewTemplate() {
  const [parameters] = useSearchParams();
  const id = parameters.get('base') ?? '';
  const { data, isLoading } = useGetEmojiQuery({ id }, { skip: !id });
  if (isLoading) return <PageSkeleton />;
  const base = data?.id === id ? templateOf(data) : null;
  return <NewForm key={id} initial={{ ...EMPTY_DRAFT, base }} />;
}

function NewForm({ initial }: { initial: Draft }) {
  const t = useMessages(editorMessages);
  const dispatchToStore = useAppDispatch();
  const [draft, dispatch] = useReducer(reduce, initial);
  const [create, { error, isLoading }] = useCreateEmojiMutation();
  const [createdId, setCreatedId] = useState<string | null>(null);
  const save = async () => {
    const { data } = await create(await createRequest(draft));
    if (!data) return;
    dispatchToStore(notified(t.created(data.name)));
    setCreatedId(data.id);
  };
  if (createdId) return <Navigate to={`/templates/${createdId}`} replace />;
  const changed = draft.name !== '' || draft.tags.length > 0 || Object.keys(draft.pictures).length > 0;
  return (
    <Page title={t.newTitle} lead={t.lead}>
      <BaseTemplates chosen={draft.base} onChoose={(base) => dispatch({ type: 'based', base })} />
      <EditorForm draft={draft} dispatch={dispatch} submit={t.create} saving={isLoading} error={error} onSave={save} />
      <UnsavedChangesGuard when={changed} />
    </Page>
  );
}
