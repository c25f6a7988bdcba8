import Button from '@mui/material/Button';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import { endSession, useDeleteMeMutation } from '@/lib/api/accounts';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';
import { ConfirmDialog } from '@/components/ConfirmDialog';

import { messages } from '../messages';

export function DeleteAccount() {
  const t = useMessages(messages);
  const explain = useExplain();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const [deleteMe, { isLoading }] = useDeleteMeMutation();

  async function remove() {
    const { error } = await deleteMe();
    if (error) {
      dispatch(notified(explain(error), 'error'));
      return;
    }
    await navigate('/');
    endSession(dispatch);
    dispatch(notified(t.deleted));
  }

  return (
    <>
      <Button variant="outlined" color="error" onClick={() => setAsked(true)} sx={{ justifySelf: 'start' }}>
        {t.delete}
      </Button>
      <ConfirmDialog
        open={asked}
        title={t.deleteSure}
        confirm={t.deleteConfirm}
        destructive
        busy={isLoading}
        onConfirm={() => void remove()}
        onClose={() => setAsked(false)}
      >
        {t.deleteLead}
      </ConfirmDialog>
    </>
  );
}
