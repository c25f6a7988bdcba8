import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import FormControlLabel from '@mui/material/FormControlLabel';
import FormHelperText from '@mui/material/FormHelperText';
import Switch from '@mui/material/Switch';
import Typography from '@mui/material/Typography';
import { useEffect, useEffectEvent, useRef, useState, type Dispatch, type DragEvent } from 'react';

import { AddIcon } from '@/components/icons';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { editorMessages } from '../messages';
import { assignFiles, type Action, type Draft } from '../utils/draft';
import type { DraftErrors } from '../utils/validation';
import { PictureSlot } from './PictureSlot';

interface Props {
  draft: Draft;
  dispatch: Dispatch<Action>;
  shown: Expression;
  onShow: (expression: Expression) => void;
  errors: DraftErrors;
  /** The user tried to save: mark what is missing. */
  tried: boolean;
}

/** The seven slots. Files are chosen, dropped (several at once, too) or pasted. */
export function PictureSlots({ draft, dispatch, shown, onShow, errors, tried }: Props) {
  const t = useMessages(editorMessages);
  const [over, setOver] = useState(false);
  const choose = (expression: Expression, file: Blob) => {
    dispatch({ type: 'chosen', expression, file });
    onShow(expression);
  };
  const take = (files: File[]) => assignFiles(files, draft).forEach((file, expression) => choose(expression, file));
  usePastedPicture((file) => choose(errors.pictures.includes(shown) ? shown : (errors.pictures[0] ?? shown), file));
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take([...event.dataTransfer.files]);
  };
  return (
    <Box
      component="section"
      aria-labelledby="pictures"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      sx={{ display: 'grid', gap: 1.5, borderRadius: 1.5, outline: over ? '3px dashed' : 'none', outlineOffset: 12 }}
    >
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, justifyContent: 'space-between', alignItems: 'center' }}>
        <Typography id="pictures" variant="h3" component="h2">
          {over ? t.dropHere : t.pictures}
        </Typography>
        <ChooseSeveral onFiles={take} />
      </Box>
      <Typography variant="body2" color="textSecondary">
        {t.picturesHint}
      </Typography>
      <Box
        sx={{
          display: 'grid',
          gap: 1.5,
          gridTemplateColumns: { xs: 'repeat(auto-fill, minmax(72px, 1fr))', md: 'repeat(7, minmax(0, 1fr))' },
        }}
      >
        {EXPRESSIONS.map((expression) => (
          <PictureSlot
            key={expression}
            draft={draft}
            dispatch={dispatch}
            expression={expression}
            marked={tried && errors.pictures.includes(expression)}
            onShow={() => onShow(expression)}
            onFile={(file) => choose(expression, file)}
          />
        ))}
      </Box>
      <FormHelperText error={tried && errors.pictures.length > 0} role="status" sx={{ fontSize: 14 }}>
        {errors.pictures.length > 0 ? t.missing(errors.pictures.length) : t.allThere}
      </FormHelperText>
      <FormControlLabel
        control={
          <Switch
            checked={draft.keepBackground}
            onChange={(_, keep) => dispatch({ type: 'backgroundKept', keep })}
            slotProps={{ input: { 'aria-describedby': 'background-hint' } }}
          />
        }
        label={t.keepBackground}
      />
      <Typography id="background-hint" variant="body2" color="textSecondary" sx={{ mt: -1.5 }}>
        {t.keepBackgroundHint}
      </Typography>
    </Box>
  );
}

function ChooseSeveral({ onFiles }: { onFiles: (files: File[]) => void }) {
  const t = useMessages(editorMessages);
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button size="small" variant="outlined" startIcon={<AddIcon />} onClick={() => input.current?.click()}>
        {t.addSeveral}
      </Button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        aria-label={t.addSeveral}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = ''; // the same file can be chosen again
        }}
      />
    </>
  );
}

function usePastedPicture(onFile: (file: File) => void): void {
  const pasted = useEffectEvent((event: ClipboardEvent) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
    if (!file) return;
    event.preventDefault();
    onFile(file);
  });
  useEffect(() => {
    const listen = (event: ClipboardEvent) => pasted(event);
    addEventListener('paste', listen);
    return () => removeEventListener('paste', listen);
  }, []);
}
