import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import Typography from '@mui/material/Typography';
import { useId, useState, type FormEvent } from 'react';

import { PasswordField } from '@/components/PasswordField';
import { endSession, useLoginMutation, useStartGuestMutation } from '@/lib/api/accounts';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { selectUser } from '@/lib/api/session';
import { defineMessages, useMessages } from '@/lib/i18n';
import { useAppDispatch, useAppSelector } from '@/lib/store';

const messages = defineMessages({
  en: {
    title: 'You were logged out',
    user: (email: string) => `Your session has ended. Log in again as ${email}: what you typed is still here.`,
    guest: 'Your time as a guest is over, and what you made as a guest is gone. You can go on as a new guest.',
    password: 'Password',
    logIn: 'Log in',
    goOn: 'Go on as a guest',
    leave: 'Not now',
    wrong: 'The password is not right.',
  },
  ko: {
    title: '로그아웃되었어요',
    user: (email: string) => `세션이 끝났어요. ${email} 계정으로 다시 로그인해 주세요. 입력한 내용은 그대로 있어요.`,
    guest: '게스트 이용 시간이 끝나 게스트로 만든 것은 사라졌어요. 새 게스트로 계속할 수 있어요.',
    password: '비밀번호',
    logIn: '로그인',
    goOn: '게스트로 계속',
    leave: '나중에',
    wrong: '비밀번호가 맞지 않아요.',
  },
});

/** Ask the user to log in again, over the current page, which keeps its input. */
export default function SessionExpiredDialog() {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const user = useAppSelector(selectUser);
  const [logIn, login] = useLoginMutation();
  const [startGuest, guest] = useStartGuestMutation();
  const [password, setPassword] = useState('');
  const id = useId();
  if (!user) return null;
  const isGuest = user.role === 'guest';
  const error = login.error ?? guest.error;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isGuest) void startGuest();
    else void logIn({ body: { email: user!.email, password } });
  }

  return (
    <Dialog open aria-labelledby={id} fullWidth maxWidth="xs">
      <form onSubmit={submit}>
        <DialogTitle id={id} variant="h3">
          {t.title}
        </DialogTitle>
        <DialogContent sx={{ display: 'grid', gap: 2 }}>
          <Typography color="textSecondary">{isGuest ? t.guest : t.user(user.email)}</Typography>
          {error && <Alert severity="error">{errorMessage(error, { WRONG_CREDENTIALS: t.wrong })}</Alert>}
          {!isGuest && (
            <PasswordField
              label={t.password}
              autoComplete="current-password"
              autoFocus
              required
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </DialogContent>
        <DialogActions sx={{ p: 2.5, pt: 0 }}>
          <Button onClick={() => endSession(dispatch)}>{t.leave}</Button>
          <Button type="submit" variant="contained" loading={login.isLoading || guest.isLoading}>
            {isGuest ? t.goOn : t.logIn}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
