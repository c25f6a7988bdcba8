import Button from '@mui/material/Button';
import { useState } from 'react';
import { useStore } from 'react-redux';

import { authorizedFetch, type SessionStore } from '@/lib/api/http';
import { problemOfResponse } from '@/lib/api/apiErrors';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';
import { saveBlob } from '@/lib/downloadBlob';

import { messages } from '../messages';

export function ExportButton() {
  const t = useMessages(messages);
  const store = useStore() as SessionStore;
  const dispatch = useAppDispatch();
  const explain = useExplain();
  const [busy, setBusy] = useState(false);

  async function download() {
    setBusy(true);
    try {
      const answer = await authorizedFetch(store, '/api/v1/users/me/export');
      if (answer.ok) saveBlob(await answer.blob(), 'igemoji.zip');
      else dispatch(notified(explain(await problemOfResponse(answer)), 'error'));
    } catch {
      dispatch(notified(t.exportFailed, 'error'));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Button variant="outlined" loading={busy} onClick={() => void download()} sx={{ justifySelf: 'start' }}>
      {t.export}
    </Button>
  );
}
