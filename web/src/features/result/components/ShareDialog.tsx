import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogContentText from '@mui/material/DialogContentText';
import DialogTitle from '@mui/material/DialogTitle';
import { useId, useState } from 'react';

import { Field } from '@/components/Field';
import { SelectField } from '@/components/SelectField';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { ShareResultResponse } from '@/lib/api/schema';
import { useFormats, useMessages } from '@/lib/i18n';

import { useShareResultMutation, useUnshareResultMutation } from '../api/results';
import { shareMessages } from '../shareMessages';

interface Props {
  taskId: string;
  photo: File;
  onClose: () => void;
}

const DAYS = ['1', '7', '30'] as const;

/** Create a share link, pass it on, and revoke all links. */
export default function ShareDialog({ taskId, photo, onClose }: Props) {
  const t = useMessages(shareMessages);
  const { dateTime } = useFormats();
  const errorMessage = useErrorMessage();
  const id = useId();
  const [days, setDays] = useState<(typeof DAYS)[number]>('7');
  const [share, { data: made, isLoading, error, reset }] = useShareResultMutation();
  const [unshare, { isLoading: revoking, isSuccess: revoked, error: revokeError }] = useUnshareResultMutation();
  const problem = error ?? revokeError;

  async function revoke() {
    await unshare({ task_id: taskId });
    reset();
  }

  return (
    <Dialog open onClose={onClose} aria-labelledby={id} fullWidth maxWidth="sm">
      <DialogTitle id={id} variant="h3">
        {t.title}
      </DialogTitle>
      <DialogContent sx={{ display: 'grid', gap: 2 }}>
        <DialogContentText>{t.text}</DialogContentText>
        {made ? (
          <>
            <ShareLink link={linkOf(made)} />
            {made.expires_at && <Alert severity="info">{t.until(dateTime(made.expires_at))}</Alert>}
          </>
        ) : (
          <Box sx={{ pt: 1 }}>
            <SelectField
              label={t.days}
              value={days}
              options={DAYS.map((count) => ({ value: count, label: t.day(Number(count)) }))}
              onChange={setDays}
            />
          </Box>
        )}
        {revoked && !made && <Alert severity="success">{t.revoked}</Alert>}
        {problem && <Alert severity="error">{errorMessage(problem)}</Alert>}
        <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1 }}>
          {!made && (
            <Button
              variant="contained"
              loading={isLoading}
              onClick={() => share({ task_id: taskId, body: { days: Number(days) } })}
            >
              {t.create}
            </Button>
          )}
          {made && (
            <Button variant="outlined" onClick={reset}>
              {t.createAnother}
            </Button>
          )}
          <ShareNatively photo={photo} link={made && linkOf(made)} />
        </Box>
      </DialogContent>
      <DialogActions sx={{ p: 2.5, pt: 0, justifyContent: 'space-between' }}>
        <Button color="error" loading={revoking} onClick={revoke}>
          {t.revoke}
        </Button>
        <Button onClick={onClose}>{t.close}</Button>
      </DialogActions>
    </Dialog>
  );
}

function ShareLink({ link }: { link: string }) {
  const t = useMessages(shareMessages);
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = () =>
    navigator.clipboard.writeText(link).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <>
      <Box sx={{ display: 'flex', gap: 1, alignItems: 'center', mt: 1 }}>
        <Field label={t.link} value={link} readOnly onFocus={({ target }) => target.select()} />
        <Button variant="contained" onClick={copy} sx={{ flexShrink: 0 }}>
          {t.copy}
        </Button>
      </Box>
      <Box role="status">
        {copied !== null && <Alert severity={copied ? 'success' : 'warning'}>{copied ? t.copied : t.notCopied}</Alert>}
      </Box>
    </>
  );
}

/** Pass the photo or the link to another app, if the system supports it. */
function ShareNatively({ photo, link }: { photo: File; link: string | undefined }) {
  const t = useMessages(shareMessages);
  const data: ShareData = link ? { url: link } : { files: [photo] };
  if (!('canShare' in navigator) || !navigator.canShare(data)) return null;
  return (
    // Closing the share sheet is not an error.
    <Button variant="outlined" onClick={() => navigator.share(data).catch(() => undefined)}>
      {link ? t.sendLink : t.send}
    </Button>
  );
}

function linkOf({ token }: ShareResultResponse): string {
  return new URL(`/s/${token}`, location.origin).href;
}
