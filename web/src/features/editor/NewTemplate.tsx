import { useReducer, useState } from 'react';
import { Navigate, useSearchParams } from 'react-router';

import { useCreateEmojiMutation, useGetEmojiQuery } from '@/lib/api/emojis';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/app/store';
import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';

import { BaseSets } from './components/BaseTemplates';
import { templateOf } from './utils/changes';
import { EMPTY_DRAFT, reduce, type Draft } from './utils/draft';
import { EditorForm } from './components/EditorForm';
import { LeaveGuard } from './components/UnsavedChangesGuard';
import { editorMessages } from './messages';
import { createRequest } from './api/requests';

/** `?base=ID`: the template to begin with. */
export default function NewTemplate() {
  const [parameters] = useSearchParams();
  const id = parameters.get('base') ?? '';
  const { data, isLoading } = useGetEmojiQuery({ id }, { skip: !id });
  if (isLoading) return <PageSkeleton />;
  const base = data?.id === id ? templateOf(data) : null;
  return <New key={id} begin={{ ...EMPTY_DRAFT, base }} />;
}

function New({ begin }: { begin: Draft }) {
  const t = useMessages(editorMessages);
  const tell = useAppDispatch();
  const [draft, dispatch] = useReducer(reduce, begin);
  const [create, { error, isLoading }] = useCreateEmojiMutation();
  const [made, setMade] = useState<string | null>(null);
  const save = async () => {
    const { data } = await create(await createRequest(draft));
    if (!data) return;
    tell(notified(t.created(data.name)));
    setMade(data.id);
  };
  if (made) return <Navigate to={`/templates/${made}`} replace />;
  const begun = draft.name !== '' || draft.tags.length > 0 || Object.keys(draft.pictures).length > 0;
  return (
    <Page title={t.newTitle} lead={t.lead}>
      <BaseSets chosen={draft.base} onChoose={(base) => dispatch({ type: 'based', base })} />
      <EditorForm draft={draft} dispatch={dispatch} submit={t.create} saving={isLoading} error={error} onSave={save} />
      <LeaveGuard when={begun} />
    </Page>
  );
}
