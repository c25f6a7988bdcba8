import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import { useState } from 'react';
import { Link as RouterLink, useLocation, useNavigate } from 'react-router';

import { PasswordField } from '@/components/PasswordField';
import { endSession } from '@/lib/api/accounts';
import { toApiError } from '@/lib/api/apiErrors';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { useConfirmPasswordResetMutation } from './api/account';
import { FormCard } from './components/FormCard';
import { messages } from './messages';
import { validatePassword } from './utils/validation';

/** Page behind the link of a password reset. The token is in the fragment, which is not sent to servers. */
export default function ResetPassword() {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const token = new URLSearchParams(useLocation().hash.slice(1)).get('token') ?? '';
  const [confirm, { isLoading, error }] = useConfirmPasswordResetMutation();
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);

  const invalid = validatePassword(password);
  const isCommon = error !== undefined && toApiError(error).reason === 'PASSWORD_TOO_COMMON';
  const passwordError = tried && invalid ? t[invalid] : isCommon ? t.passwordCommon : null;

  async function submit() {
    setTried(true);
    if (invalid) return;
    const { error } = await confirm({ body: { token, new_password: password } });
    if (error) return;
    // The reset has ended all sessions of the account, also one in this browser.
    endSession(dispatch);
    dispatch(notified(t.resetDone));
    await navigate('/login');
  }

  const formError = token
    ? error && !isCommon && errorMessage(error, { RESET_TOKEN_REFUSED: t.resetRefused })
    : t.resetMissing;
  return (
    <FormCard
      title={t.resetTitle}
      lead={t.resetLead}
      face="neutral"
      error={formError || null}
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
        error={Boolean(passwordError)}
        helperText={passwordError ?? t.passwordHint}
      />
      <Button type="submit" variant="contained" size="large" loading={isLoading} disabled={!token}>
        {t.savePassword}
      </Button>
    </FormCard>
  );
}
