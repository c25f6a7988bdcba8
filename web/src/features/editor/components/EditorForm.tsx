import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { useEffect, useEffectEvent, useState, type Dispatch, type FormEvent } from 'react';

import { useErrorMessage } from '@/lib/api/errorMessages';
import type { Expression } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { usePreviews } from '../hooks/usePreviews';
import { editorMessages } from '../messages';
import type { Action, Draft } from '../utils/draft';
import { isValid, validateDraft } from '../utils/validation';
import { PictureSlots } from './PictureSlots';
import { PreviewPanel } from './PreviewPanel';
import { TemplateDetails } from './TemplateDetails';

interface Props {
  draft: Draft;
  dispatch: Dispatch<Action>;
  /** Label of the button. */
  submit: string;
  saving: boolean;
  /** Error of the last attempt to save. */
  error: unknown;
  /** There is nothing to save. */
  unchanged?: boolean;
  onSave: () => Promise<void>;
}

/** Form for a template: name, tags, visibility and seven pictures, with a preview on a face. */
export function EditorForm({ draft, dispatch, submit, saving, error, unchanged = false, onSave }: Props) {
  const t = useMessages(editorMessages);
  const errorMessage = useErrorMessage();
  const [shown, setShown] = useState<Expression>('happy');
  const [tried, setTried] = useState(false);
  // The user pressed Save while previews were loading: save when they are ready, unless a picture changes (its key).
  const [saveWhenReady, setSaveWhenReady] = useState<number | null>(null);
  usePreviews(draft, dispatch);
  const errors = validateDraft(draft);
  const save = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (errors.working) setSaveWhenReady(draft.nextKey);
    else if (isValid(errors)) void onSave();
  };
  const waiting = saveWhenReady === draft.nextKey;
  const onPreviewsReady = useEffectEvent(() => {
    if (isValid(errors)) void onSave();
  });
  useEffect(() => {
    if (waiting && !errors.working) onPreviewsReady();
  }, [waiting, errors.working]);
  return (
    <Box component="form" noValidate onSubmit={save} sx={layout}>
      <Box sx={{ position: { md: 'sticky' }, top: { md: 96 }, minWidth: 0 }}>
        <PreviewPanel draft={draft} shown={shown} onShow={setShown} />
      </Box>
      <Box sx={{ display: 'grid', gap: 4, minWidth: 0 }}>
        <PictureSlots draft={draft} dispatch={dispatch} shown={shown} onShow={setShown} errors={errors} tried={tried} />
        <TemplateDetails draft={draft} dispatch={dispatch} errors={errors} tried={tried} />
        {Boolean(error) && <Alert severity="error">{errorMessage(error)}</Alert>}
        {tried && !isValid(errors) && !errors.working && <Alert severity="warning">{t.fixFirst}</Alert>}
        <Box sx={{ display: 'flex', alignItems: 'center', gap: 2, flexWrap: 'wrap' }}>
          <Button
            type="submit"
            variant="contained"
            size="large"
            loading={saving || (waiting && errors.working)}
            disabled={unchanged}
          >
            {submit}
          </Button>
          {unchanged && <Typography color="textSecondary">{t.nothingChanged}</Typography>}
        </Box>
      </Box>
    </Box>
  );
}

const layout = {
  display: 'grid',
  gap: { xs: 3, md: 5 },
  alignItems: 'start',
  gridTemplateColumns: { xs: 'minmax(0, 1fr)', md: 'minmax(0, 360px) minmax(0, 1fr)' },
} as const;
