import { useState } from 'react';

import { ConfirmDialog } from '@/components/ConfirmDialog';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { messages } from './messages';

interface Deletion {
  title: string;
  text: string;
  /** Notice after the deletion. */
  done: string;
  remove: () => Promise<unknown>;
}

/** Delete after a confirmation, and show the outcome as a notice. */
export function useConfirmedDelete({ title, text, done, remove }: Deletion) {
  const t = useMessages(messages);
  const dispatch = useAppDispatch();
  const errorMessage = useErrorMessage();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);

  async function confirm() {
    setBusy(true);
    try {
      await remove();
      dispatch(notified(done));
    } catch (error) {
      dispatch(notified(errorMessage(error), 'error'));
    } finally {
      setBusy(false);
      setOpen(false);
    }
  }

  const dialog = (
    <ConfirmDialog
      open={open}
      title={title}
      confirm={t.delete}
      destructive
      busy={busy}
      onConfirm={confirm}
      onClose={() => setOpen(false)}
    >
      {text}
    </ConfirmDialog>
  );
  return { ask: () => setOpen(true), dialog };
}
