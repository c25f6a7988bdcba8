import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogContentText from '@mui/material/DialogContentText';
import DialogTitle from '@mui/material/DialogTitle';
import { useId } from 'react';

import { isExpression, useExpressionNames } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { editorMessages } from '../messages';
import type { Field, Rebased } from '../utils/changes';

interface Props {
  conflict: Rebased;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
  /** Save nothing; the form shows both changes. */
  onReview: () => void;
}

/** Shows what others changed since this edit began, and lets the user choose. */
export function ConflictDialog({ conflict: { theirs, both }, onKeepMine, onTakeTheirs, onReview }: Props) {
  const t = useMessages(editorMessages);
  const names = useExpressionNames();
  const title = useId();
  const nameOf = (field: Field) => (isExpression(field) ? names[field] : t[`field_${field}`]);
  return (
    <Dialog open onClose={onReview} aria-labelledby={title} fullWidth maxWidth="sm">
      <DialogTitle id={title} variant="h3">
        {t.conflictTitle}
      </DialogTitle>
      <DialogContent>
        <DialogContentText>{t.conflictText}</DialogContentText>
        <ul>
          {theirs.map((field) => (
            <li key={field}>
              {nameOf(field)}
              {both.includes(field) && <strong> ({t.conflictBoth})</strong>}
            </li>
          ))}
        </ul>
      </DialogContent>
      <DialogActions sx={{ p: 2.5, pt: 0, flexWrap: 'wrap', gap: 1 }}>
        <Button onClick={onTakeTheirs}>{t.conflictTheirs}</Button>
        <Button onClick={onReview}>{t.conflictLook}</Button>
        <Button variant="contained" onClick={onKeepMine}>
          {t.conflictKeep}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
