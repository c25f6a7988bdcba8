import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { Link as RouterLink, Navigate, useLocation } from 'react-router';

import { useLoginMutation } from '@/lib/api/accounts';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppSelector } from '@/app/store';
import { Field } from '@/components/Field';
import { PasswordField } from '@/components/PasswordField';

import { FormCard } from './components/FormCard';
import { messages } from './messages';
import { emailFault } from './utils/validation';
import { useBegin } from './hooks/useStart';

/** Where one wanted to go before one had to log in. */
interface Came {
  from?: string;
  email?: string;
}

export default function Login() {
  const t = useMessages(messages);
  const explain = useExplain();
  const user = useAppSelector(selectUser);
  const came = (useLocation().state ?? {}) as Came;
  const { begin, isLoading: beginning } = useBegin(came.from ?? '/make');
  const [logIn, { isLoading, error }] = useLoginMutation();
  const [email, setEmail] = useState(came.email ?? '');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);

  if (user && user.role !== 'guest') return <Navigate to={came.from ?? '/make'} replace />;

  const wrongEmail = tried && emailFault(email) ? t.emailInvalid : null;
  const wrongPassword = tried && !password ? t.passwordMissing : null;

  function submit() {
    setTried(true);
    if (!emailFault(email) && password) void logIn({ body: { email, password } });
  }

  const problem = error
    ? explain(error, { WRONG_CREDENTIALS: t.wrongCredentials, TOO_MANY_LOGINS: t.tooManyLogins })
    : null;
  return (
    <FormCard
      title={t.logIn}
      lead={t.logInLead}
      face="happy"
      problem={problem}
      onSubmit={submit}
      footer={
        <>
          <Typography>
            {t.noAccount}{' '}
            <Link component={RouterLink} to="/signup" state={came}>
              {t.signUp}
            </Link>
          </Typography>
          {!user && (
            <Button onClick={begin} loading={beginning}>
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
        error={Boolean(wrongEmail)}
        helperText={wrongEmail}
      />
      <PasswordField
        label={t.password}
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={Boolean(wrongPassword)}
        helperText={wrongPassword}
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
