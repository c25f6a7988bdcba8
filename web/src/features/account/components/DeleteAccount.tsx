import Button from '@mui/material/Button';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import { ConfirmDialog } from '@/components/ConfirmDialog';
import { endSession } from '@/lib/api/accounts';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { useDeleteMeMutation } from '../api/account';
import { messages } from '../messages';

export function DeleteAccount() {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const [deleteMe, { isLoading }] = useDeleteMeMutation();

  async function remove() {
    const { error } = await deleteMe();
    if (error) {
      dispatch(notified(errorMessage(error), 'error'));
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
