import { useEffect } from 'react';
import { useBlocker } from 'react-router';

import { ConfirmDialog } from '@/components/ConfirmDialog';
import { useMessages } from '@/lib/i18n';

import { editorMessages } from '../messages';

/** Ask before the user leaves the page or closes the window with unsaved changes. */
export function UnsavedChangesGuard({ when }: { when: boolean }) {
  const t = useMessages(editorMessages);
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => when && currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    if (!when) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [when]);
  return (
    <ConfirmDialog
      open={blocker.state === 'blocked'}
      title={t.leaveTitle}
      confirm={t.leave}
      destructive
      onConfirm={() => blocker.proceed?.()}
      onClose={() => blocker.reset?.()}
    >
      {t.leaveText}
    </ConfirmDialog>
  );
}
