import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogContentText from '@mui/material/DialogContentText';
import DialogTitle from '@mui/material/DialogTitle';
import { useId } from 'react';

import { useMessages } from '@/lib/i18n';
import { isExpression, useExpressionNames } from '@/lib/expressions';

import type { Field, Rebased } from '../utils/changes';
import { editorMessages } from '../messages';

interface Props {
  conflict: Rebased;
  onKeep: () => void;
  onTheirs: () => void;
  /** Nothing is saved; the form shows both. */
  onLook: () => void;
}

/** The template was changed by somebody else since this edit began: says what, and lets one choose. Nothing is lost. */
export function ConflictDialog({ conflict: { theirs, both }, onKeep, onTheirs, onLook }: Props) {
  const t = useMessages(editorMessages);
  const names = useExpressionNames();
  const title = useId();
  const nameOf = (field: Field) => (isExpression(field) ? names[field] : t[`field_${field}`]);
  return (
    <Dialog open onClose={onLook} aria-labelledby={title} fullWidth maxWidth="sm">
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
        <Button onClick={onTheirs}>{t.conflictTheirs}</Button>
        <Button onClick={onLook}>{t.conflictLook}</Button>
        <Button variant="contained" onClick={onKeep}>
          {t.conflictKeep}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
