import Button from '@mui/material/Button';
import { useState } from 'react';

import { responseToApiError } from '@/lib/api/apiErrors';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { authorizedFetch } from '@/lib/api/http';
import { downloadBlob } from '@/lib/downloadBlob';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch, useAppStore } from '@/lib/store';

import { messages } from '../messages';

export function ExportButton() {
  const t = useMessages(messages);
  const store = useAppStore();
  const dispatch = useAppDispatch();
  const errorMessage = useErrorMessage();
  const [busy, setBusy] = useState(false);

  async function download() {
    setBusy(true);
    try {
      const answer = await authorizedFetch(store, '/api/v1/users/me/export');
      if (answer.ok) downloadBlob(await answer.blob(), 'igemoji.zip');
      else dispatch(notified(errorMessage(await responseToApiError(answer)), 'error'));
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
