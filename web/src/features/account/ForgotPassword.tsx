import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import { useState } from 'react';
import { Link as RouterLink } from 'react-router';

import { Field } from '@/components/Field';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { useMessages } from '@/lib/i18n';

import { useRequestPasswordResetMutation } from './api/account';
import { FormCard } from './components/FormCard';
import { messages } from './messages';
import { validateEmail } from './utils/validation';

export default function ForgotPassword() {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const [request, { isLoading, isSuccess, error, originalArgs }] = useRequestPasswordResetMutation();
  const [email, setEmail] = useState('');
  const [tried, setTried] = useState(false);
  const emailError = tried && validateEmail(email) ? t.emailInvalid : null;

  function submit() {
    setTried(true);
    if (!validateEmail(email)) void request({ body: { email } });
  }

  return (
    <FormCard
      title={t.forgotTitle}
      lead={t.forgotLead}
      face="fear"
      error={error ? errorMessage(error) : null}
      onSubmit={submit}
      footer={
        <Link component={RouterLink} to="/login">
          {t.backToLogIn}
        </Link>
      }
    >
      {isSuccess && <Alert severity="success">{t.linkSent(originalArgs!.body.email)}</Alert>}
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
      <Button type="submit" variant="contained" size="large" loading={isLoading}>
        {t.sendLink}
      </Button>
    </FormCard>
  );
}
