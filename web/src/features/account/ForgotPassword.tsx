import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import { useState } from 'react';
import { Link as RouterLink } from 'react-router';

import { useRequestPasswordResetMutation } from '@/lib/api/accounts';
import { useMessages } from '@/lib/i18n';
import { useExplain } from '@/lib/api/errorMessages';
import { Field } from '@/components/Field';

import { FormCard } from './components/FormCard';
import { messages } from './messages';
import { emailFault } from './utils/validation';

export default function ForgotPassword() {
  const t = useMessages(messages);
  const explain = useExplain();
  const [request, { isLoading, isSuccess, error, originalArgs }] = useRequestPasswordResetMutation();
  const [email, setEmail] = useState('');
  const [tried, setTried] = useState(false);
  const wrong = tried && emailFault(email) ? t.emailInvalid : null;

  function submit() {
    setTried(true);
    if (!emailFault(email)) void request({ body: { email } });
  }

  return (
    <FormCard
      title={t.forgotTitle}
      lead={t.forgotLead}
      face="fear"
      problem={error ? explain(error) : null}
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
        error={Boolean(wrong)}
        helperText={wrong}
      />
      <Button type="submit" variant="contained" size="large" loading={isLoading}>
        {t.sendLink}
      </Button>
    </FormCard>
  );
}
