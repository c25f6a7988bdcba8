import { useState } from 'react';

import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';
import { ConfirmDialog } from '@/components/ConfirmDialog';

import { messages } from './messages';

interface Deletion {
  title: string;
  text: string;
  /** What is said afterwards. */
  done: string;
  remove: () => Promise<unknown>;
}

/** Asks first, deletes then, and says how that went. */
export function useDeleting({ title, text, done, remove }: Deletion) {
  const t = useMessages(messages);
  const dispatch = useAppDispatch();
  const explain = useExplain();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);

  async function confirm() {
    setBusy(true);
    try {
      await remove();
      dispatch(notified(done));
    } catch (error) {
      dispatch(notified(explain(error), 'error'));
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
