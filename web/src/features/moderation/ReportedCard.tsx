import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Chip from '@mui/material/Chip';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { Link } from 'react-router';

import { ConfirmDialog } from '@/components/ConfirmDialog';
import { EmojiPicture } from '@/components/EmojiPicture';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { Emoji, ReportedEmoji } from '@/lib/api/schema';
import { EXPRESSIONS, useExpressionNames } from '@/lib/expressions';
import { useFormats, useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { isReportReason, useReportReasonNames } from '@/lib/reportReasons';
import { useAppDispatch } from '@/lib/store';

import { useDecideReportMutation } from './api';
import { moderationMessages } from './messages';

/** A reported template with everything that an operator needs for a decision. */
export function ReportedCard({ reported, decided }: { reported: ReportedEmoji; decided: boolean }) {
  const t = useMessages(moderationMessages);
  const names = useExpressionNames();
  const { dateTime } = useFormats();
  const { emoji } = reported;
  if (!emoji) return null;
  return (
    <Card component="article" sx={{ p: { xs: 2, sm: 3 }, display: 'grid', gap: 2 }}>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center' }}>
        <Typography component="h2" variant="h3" sx={{ flex: 1, minWidth: 160 }}>
          <Box component={Link} to={`/templates/${emoji.id}`} aria-label={t.open(emoji.name)} sx={{ color: 'inherit' }}>
            {emoji.name}
          </Box>
        </Typography>
        {emoji.hidden && <Chip size="small" color="warning" label={t.hidden} />}
        <Chip size="small" label={t.reports(reported.total)} />
      </Box>
      <Typography variant="body2" color="textSecondary">
        {t.by(emoji.owner?.alias ?? '')}
        {reported.waiting_since && !decided && ` · ${t.waitingSince(dateTime(reported.waiting_since))}`}
      </Typography>
      <Box sx={{ display: 'grid', gap: 1, gridTemplateColumns: { xs: 'repeat(4, 1fr)', sm: 'repeat(7, 1fr)' } }}>
        {EXPRESSIONS.map((expression) => (
          <EmojiPicture
            key={expression}
            emoji={emoji}
            expression={expression}
            alt={names[expression]}
            size="100%"
            px={96}
          />
        ))}
      </Box>
      <NewestReports reported={reported} />
      <Decisions emoji={emoji} decided={decided} />
    </Card>
  );
}

function NewestReports({ reported }: { reported: ReportedEmoji }) {
  const t = useMessages(moderationMessages);
  const reasonNames = useReportReasonNames();
  const { dateTime } = useFormats();
  return (
    <Box component="ul" aria-label={t.newestReports} sx={{ display: 'grid', gap: 1, pl: 2.5, m: 0 }}>
      {reported.reports.map(({ reason, comment, reported_at }, index) => (
        <li key={index}>
          <strong>{isReportReason(reason) ? reasonNames[reason] : reason}</strong>
          {comment && <>: {comment}</>}{' '}
          {reported_at && (
            <Typography component="span" variant="body2" color="textSecondary">
              {dateTime(reported_at)}
            </Typography>
          )}
        </li>
      ))}
    </Box>
  );
}

type Decision = 'hide' | 'restore' | 'delete';

function Decisions({ emoji, decided }: { emoji: Emoji; decided: boolean }) {
  const t = useMessages(moderationMessages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const [asking, setAsking] = useState(false);
  const [decide, { isLoading }] = useDecideReportMutation();
  const take = async (decision: Decision) => {
    const { error } = await decide({ id: emoji.id, body: { decision } });
    setAsking(false);
    dispatch(
      error
        ? notified(errorMessage(error, { EMOJI_NOT_FOUND: t.gone }), 'error')
        : notified(t[`done_${decision}`](emoji.name)),
    );
  };
  const shows = emoji.hidden ? t.restore : t.keep;
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1 }}>
      {!emoji.hidden && (
        <Button variant="contained" disabled={isLoading} onClick={() => void take('hide')}>
          {t.hide}
        </Button>
      )}
      {!(decided && !emoji.hidden) && (
        <Button variant="outlined" disabled={isLoading} onClick={() => void take('restore')}>
          {shows}
        </Button>
      )}
      <Button color="error" disabled={isLoading} onClick={() => setAsking(true)}>
        {t.remove}
      </Button>
      <ConfirmDialog
        open={asking}
        title={t.removeTitle(emoji.name)}
        confirm={t.remove}
        destructive
        busy={isLoading}
        onConfirm={() => void take('delete')}
        onClose={() => setAsking(false)}
      >
        {t.removeText}
      </ConfirmDialog>
    </Box>
  );
}
