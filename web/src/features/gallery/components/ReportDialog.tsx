import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import FormControlLabel from '@mui/material/FormControlLabel';
import Radio from '@mui/material/Radio';
import RadioGroup from '@mui/material/RadioGroup';
import { useId, useState, type FormEvent } from 'react';

import { Field } from '@/components/Field';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { Emoji } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { REPORT_REASONS, useReportReasonNames, type ReportReason } from '@/lib/reportReasons';
import { useAppDispatch } from '@/lib/store';

import { useReportEmojiMutation } from '../api/reports';
import { templateMessages } from '../messages';

interface Props {
  emoji: Emoji;
  open: boolean;
  onClose: () => void;
}

/** Report a template to the operators. The text stays in the form until the server has accepted it. */
export default function ReportDialog({ emoji, open, onClose }: Props) {
  const t = useMessages(templateMessages);
  const reasonNames = useReportReasonNames();
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const title = useId();
  const [reason, setReason] = useState<ReportReason>('offensive');
  const [comment, setComment] = useState('');
  const [report, { isLoading, error }] = useReportEmojiMutation();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const sent = await report({ id: emoji.id, body: { reason, comment: comment.trim() } });
    if (sent.error) return;
    setComment('');
    onClose();
    dispatch(notified(t.reported));
  };
  return (
    <Dialog open={open} onClose={onClose} aria-labelledby={title} fullWidth maxWidth="xs">
      <form onSubmit={(event) => void send(event)}>
        <DialogTitle id={title} variant="h3">
          {t.reportTitle(emoji.name)}
        </DialogTitle>
        <DialogContent sx={{ display: 'grid', gap: 2 }}>
          <RadioGroup aria-label={t.reason} value={reason} onChange={(_, value) => setReason(value as ReportReason)}>
            {REPORT_REASONS.map((known) => (
              <FormControlLabel
                key={known}
                value={known}
                control={<Radio color="secondary" />}
                label={reasonNames[known]}
              />
            ))}
          </RadioGroup>
          <Field
            label={t.comment}
            value={comment}
            multiline
            minRows={2}
            onChange={(event) => setComment(event.target.value)}
            inputProps={{ maxLength: 500 }}
          />
          {error && <Alert severity="error">{errorMessage(error)}</Alert>}
        </DialogContent>
        <DialogActions sx={{ p: 2.5, pt: 0 }}>
          <Button onClick={onClose}>{t.cancel}</Button>
          <Button type="submit" variant="contained" loading={isLoading}>
            {t.sendReport}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
