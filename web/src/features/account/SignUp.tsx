import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { Link as RouterLink, Navigate, useLocation } from 'react-router';

import { PasswordField } from '@/components/PasswordField';
import { useLoginMutation } from '@/lib/api/accounts';
import { toApiError } from '@/lib/api/apiErrors';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/lib/store';

import { useRegisterMutation } from './api/account';
import { FormCard } from './components/FormCard';
import { UniqueField } from './components/UniqueField';
import { messages } from './messages';
import { validateAlias, validateEmail, validatePassword } from './utils/validation';

export default function SignUp() {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
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
  const reason = error ? toApiError(error).reason : '';
  const emailError = tried && validateEmail(email) ? t.emailInvalid : reason === 'EMAIL_TAKEN' ? t.emailTaken : null;
  const aliasError = tried && validateAlias(alias) ? t.aliasInvalid : reason === 'ALIAS_TAKEN' ? t.aliasTaken : null;
  const invalidPassword = validatePassword(password);
  const passwordError =
    tried && invalidPassword ? t[invalidPassword] : reason === 'PASSWORD_TOO_COMMON' ? t.passwordCommon : null;

  async function submit() {
    setTried(true);
    if (validateEmail(email) || validateAlias(alias) || invalidPassword) return;
    const { error } = await register({ body: { email, password, alias } });
    if (!error) await logIn({ body: { email, password } });
  }

  /** Clear the error of the last attempt when the user edits a field. */
  function onEdit(set: (value: string) => void) {
    return (value: string) => {
      if (registration.error) registration.reset();
      set(value);
    };
  }

  const formError = error && !emailError && !aliasError && !passwordError ? errorMessage(error) : null;
  return (
    <FormCard
      title={t.signUp}
      lead={user ? t.guestKeeps : t.signUpLead}
      face="surprise"
      error={formError}
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
      <UniqueField kind="email" value={email} onChange={onEdit(setEmail)} errorText={emailError} />
      <UniqueField
        kind="alias"
        value={alias}
        onChange={onEdit(setAlias)}
        errorText={aliasError}
        helperText={t.aliasHint}
      />
      <PasswordField
        label={t.password}
        autoComplete="new-password"
        required
        value={password}
        onChange={(event) => onEdit(setPassword)(event.target.value)}
        error={Boolean(passwordError)}
        helperText={passwordError ?? t.passwordHint}
      />
      <Button type="submit" variant="contained" size="large" loading={registration.isLoading || login.isLoading}>
        {t.signUp}
      </Button>
    </FormCard>
  );
}
