import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import { useState } from 'react';
import { Link as RouterLink, useLocation, useNavigate } from 'react-router';

import { endSession, useConfirmPasswordResetMutation } from '@/lib/api/accounts';
import { problemOf } from '@/lib/api/apiErrors';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';
import { PasswordField } from '@/components/PasswordField';

import { FormCard } from './components/FormCard';
import { messages } from './messages';
import { passwordFault } from './utils/validation';

/** Where the link of a reset leads. Its token is in the fragment, which no server is told. */
export default function ResetPassword() {
  const t = useMessages(messages);
  const explain = useExplain();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const token = new URLSearchParams(useLocation().hash.slice(1)).get('token') ?? '';
  const [confirm, { isLoading, error }] = useConfirmPasswordResetMutation();
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);

  const fault = passwordFault(password);
  const isCommon = error !== undefined && problemOf(error).reason === 'PASSWORD_TOO_COMMON';
  const wrong = tried && fault ? t[fault] : isCommon ? t.passwordCommon : null;

  async function submit() {
    setTried(true);
    if (fault) return;
    const { error } = await confirm({ body: { token, new_password: password } });
    if (error) return;
    // Every login of the account is over, one that may be here too.
    endSession(dispatch);
    dispatch(notified(t.resetDone));
    await navigate('/login');
  }

  const problem = token
    ? error && !isCommon && explain(error, { RESET_TOKEN_REFUSED: t.resetRefused })
    : t.resetMissing;
  return (
    <FormCard
      title={t.resetTitle}
      lead={t.resetLead}
      face="neutral"
      problem={problem || null}
      onSubmit={() => void submit()}
      footer={
        <Link component={RouterLink} to="/forgot-password">
          {t.forgot}
        </Link>
      }
    >
      <PasswordField
        label={t.newPassword}
        autoComplete="new-password"
        required
        disabled={!token}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={Boolean(wrong)}
        helperText={wrong ?? t.passwordHint}
      />
      <Button type="submit" variant="contained" size="large" loading={isLoading} disabled={!token}>
        {t.savePassword}
      </Button>
    </FormCard>
  );
}
