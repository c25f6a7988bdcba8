import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { Link as RouterLink, Navigate, useLocation } from 'react-router';

import { Field } from '@/components/Field';
import { PasswordField } from '@/components/PasswordField';
import { useLoginMutation } from '@/lib/api/accounts';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/lib/store';

import { FormCard } from './components/FormCard';
import { useStart } from './hooks/useStart';
import { messages } from './messages';
import { validateEmail } from './utils/validation';

/** State of the navigation to the login page: where to go afterwards. */
interface LoginState {
  from?: string;
  email?: string;
}

export default function Login() {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const user = useAppSelector(selectUser);
  const state = (useLocation().state ?? {}) as LoginState;
  const { start, isLoading: starting } = useStart(state.from ?? '/make');
  const [logIn, { isLoading, error }] = useLoginMutation();
  const [email, setEmail] = useState(state.email ?? '');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);

  if (user && user.role !== 'guest') return <Navigate to={state.from ?? '/make'} replace />;

  const emailError = tried && validateEmail(email) ? t.emailInvalid : null;
  const passwordError = tried && !password ? t.passwordMissing : null;

  function submit() {
    setTried(true);
    if (!validateEmail(email) && password) void logIn({ body: { email, password } });
  }

  const formError = error
    ? errorMessage(error, { WRONG_CREDENTIALS: t.wrongCredentials, TOO_MANY_LOGINS: t.tooManyLogins })
    : null;
  return (
    <FormCard
      title={t.logIn}
      lead={t.logInLead}
      face="happy"
      error={formError}
      onSubmit={submit}
      footer={
        <>
          <Typography>
            {t.noAccount}{' '}
            <Link component={RouterLink} to="/signup" state={state}>
              {t.signUp}
            </Link>
          </Typography>
          {!user && (
            <Button onClick={start} loading={starting}>
              {t.asGuest}
            </Button>
          )}
        </>
      }
    >
      <Field
        label={t.email}
        type="email"
        autoComplete="email"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        error={Boolean(emailError)}
        helperText={emailError}
      />
      <PasswordField
        label={t.password}
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={Boolean(passwordError)}
        helperText={passwordError}
      />
      <Button type="submit" variant="contained" size="large" loading={isLoading}>
        {t.logIn}
      </Button>
      <Link component={RouterLink} to="/forgot-password" sx={{ justifySelf: 'center' }}>
        {t.forgot}
      </Link>
    </FormCard>
  );
}
