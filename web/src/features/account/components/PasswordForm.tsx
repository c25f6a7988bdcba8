import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { useState } from 'react';

import { PasswordField } from '@/components/PasswordField';
import { toApiError } from '@/lib/api/apiErrors';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { useChangePasswordMutation } from '../api/account';
import { messages } from '../messages';
import { validatePassword } from '../utils/validation';

export function PasswordForm() {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const [change, { isLoading, error }] = useChangePasswordMutation();
  const [current, setCurrent] = useState('');
  const [newPassword, setNewPassword] = useState('');
  const [tried, setTried] = useState(false);

  const reason = error ? toApiError(error).reason : '';
  const invalid = validatePassword(newPassword);
  const currentError = tried && !current ? t.passwordMissing : reason === 'PASSWORD_WRONG' ? t.passwordWrong : null;
  const newError = tried && invalid ? t[invalid] : reason === 'PASSWORD_TOO_COMMON' ? t.passwordCommon : null;

  async function save() {
    setTried(true);
    if (!current || invalid) return;
    const { error } = await change({ body: { current_password: current, new_password: newPassword } });
    if (error) return;
    setCurrent('');
    setNewPassword('');
    setTried(false);
    dispatch(notified(t.passwordSaved));
  }

  return (
    <Box
      component="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      sx={{ display: 'grid', gap: 2 }}
    >
      {error && !currentError && !newError && <Alert severity="error">{errorMessage(error)}</Alert>}
      <PasswordField
        label={t.currentPassword}
        autoComplete="current-password"
        required
        value={current}
        onChange={(event) => setCurrent(event.target.value)}
        error={Boolean(currentError)}
        helperText={currentError}
      />
      <PasswordField
        label={t.newPassword}
        autoComplete="new-password"
        required
        value={newPassword}
        onChange={(event) => setNewPassword(event.target.value)}
        error={Boolean(newError)}
        helperText={newError ?? t.passwordHint}
      />
      <Button type="submit" variant="contained" loading={isLoading} sx={{ justifySelf: 'start' }}>
        {t.savePassword}
      </Button>
    </Box>
  );
}
