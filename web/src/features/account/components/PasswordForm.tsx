import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { useState } from 'react';

import { useChangePasswordMutation } from '@/lib/api/accounts';
import { problemOf } from '@/lib/api/apiErrors';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';
import { PasswordField } from '@/components/PasswordField';

import { messages } from '../messages';
import { passwordFault } from '../utils/validation';

export function PasswordForm() {
  const t = useMessages(messages);
  const explain = useExplain();
  const dispatch = useAppDispatch();
  const [change, { isLoading, error }] = useChangePasswordMutation();
  const [current, setCurrent] = useState('');
  const [chosen, setChosen] = useState('');
  const [tried, setTried] = useState(false);

  const reason = error ? problemOf(error).reason : '';
  const fault = passwordFault(chosen);
  const currentWrong = tried && !current ? t.passwordMissing : reason === 'PASSWORD_WRONG' ? t.passwordWrong : null;
  const chosenWrong = tried && fault ? t[fault] : reason === 'PASSWORD_TOO_COMMON' ? t.passwordCommon : null;

  async function save() {
    setTried(true);
    if (!current || fault) return;
    const { error } = await change({ body: { current_password: current, new_password: chosen } });
    if (error) return;
    setCurrent('');
    setChosen('');
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
      {error && !currentWrong && !chosenWrong && <Alert severity="error">{explain(error)}</Alert>}
      <PasswordField
        label={t.currentPassword}
        autoComplete="current-password"
        required
        value={current}
        onChange={(event) => setCurrent(event.target.value)}
        error={Boolean(currentWrong)}
        helperText={currentWrong}
      />
      <PasswordField
        label={t.newPassword}
        autoComplete="new-password"
        required
        value={chosen}
        onChange={(event) => setChosen(event.target.value)}
        error={Boolean(chosenWrong)}
        helperText={chosenWrong ?? t.passwordHint}
      />
      <Button type="submit" variant="contained" loading={isLoading} sx={{ justifySelf: 'start' }}>
        {t.savePassword}
      </Button>
    </Box>
  );
}
