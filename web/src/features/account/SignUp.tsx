import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { Link as RouterLink, Navigate, useLocation } from 'react-router';

import { useLoginMutation, useRegisterMutation } from '@/lib/api/accounts';
import { problemOf } from '@/lib/api/apiErrors';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppSelector } from '@/app/store';
import { PasswordField } from '@/components/PasswordField';

import { UniqueField } from './components/UniqueField';
import { FormCard } from './components/FormCard';
import { messages } from './messages';
import { aliasFault, emailFault, passwordFault } from './utils/validation';

export default function SignUp() {
  const t = useMessages(messages);
  const explain = useExplain();
  const user = useAppSelector(selectUser);
  const state = useLocation().state as { from?: string } | null;
  const [register, registration] = useRegisterMutation();
  const [logIn, login] = useLoginMutation();
  const [email, setEmail] = useState('');
  const [alias, setAlias] = useState('');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);

  if (user && user.role !== 'guest') return <Navigate to={state?.from ?? '/make'} replace />;

  const error = registration.error ?? login.error;
  const reason = error ? problemOf(error).reason : '';
  const emailWrong = tried && emailFault(email) ? t.emailInvalid : reason === 'EMAIL_TAKEN' ? t.emailTaken : null;
  const aliasWrong = tried && aliasFault(alias) ? t.aliasInvalid : reason === 'ALIAS_TAKEN' ? t.aliasTaken : null;
  const fault = passwordFault(password);
  const passwordWrong = tried && fault ? t[fault] : reason === 'PASSWORD_TOO_COMMON' ? t.passwordCommon : null;

  async function submit() {
    setTried(true);
    if (emailFault(email) || aliasFault(alias) || fault) return;
    const { error } = await register({ body: { email, password, alias } });
    if (!error) await logIn({ body: { email, password } });
  }

  /** What was wrong with what one typed before says nothing about what one types now. */
  function edit(set: (value: string) => void) {
    return (value: string) => {
      if (registration.error) registration.reset();
      set(value);
    };
  }

  const problem = error && !emailWrong && !aliasWrong && !passwordWrong ? explain(error) : null;
  return (
    <FormCard
      title={t.signUp}
      lead={user ? t.guestKeeps : t.signUpLead}
      face="surprise"
      problem={problem}
      onSubmit={() => void submit()}
      footer={
        <Typography>
          {t.haveAccount}{' '}
          <Link component={RouterLink} to="/login" state={state}>
            {t.logIn}
          </Link>
        </Typography>
      }
    >
      <UniqueField kind="email" value={email} onChange={edit(setEmail)} fault={emailWrong} />
      <UniqueField kind="alias" value={alias} onChange={edit(setAlias)} fault={aliasWrong} helperText={t.aliasHint} />
      <PasswordField
        label={t.password}
        autoComplete="new-password"
        required
        value={password}
        onChange={(event) => edit(setPassword)(event.target.value)}
        error={Boolean(passwordWrong)}
        helperText={passwordWrong ?? t.passwordHint}
      />
      <Button type="submit" variant="contained" size="large" loading={registration.isLoading || login.isLoading}>
        {t.signUp}
      </Button>
    </FormCard>
  );
}
