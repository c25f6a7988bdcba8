import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { useEffect, useEffectEvent, useState, type Dispatch, type FormEvent } from 'react';

import { useMessages } from '@/lib/i18n';
import { useExplain } from '@/lib/api/errorMessages';
import type { Expression } from '@/lib/expressions';

import { Details } from './TemplateDetails';
import type { Action, Draft } from '../utils/draft';
import { editorMessages } from '../messages';
import { canBeSaved, problems } from '../utils/validation';
import { SamplePanel } from './PreviewPanel';
import { Slots } from './PictureSlots';
import { usePreviews } from '../hooks/usePreviews';

interface Props {
  draft: Draft;
  dispatch: Dispatch<Action>;
  /** What the button says. */
  submit: string;
  saving: boolean;
  /** Of the last try to save. */
  error: unknown;
  /** There is nothing to save. */
  unchanged?: boolean;
  onSave: () => Promise<void>;
}

/** Name, tags, visibility and seven pictures, with a face to see them on. */
export function EditorForm({ draft, dispatch, submit, saving, error, unchanged = false, onSave }: Props) {
  const t = useMessages(editorMessages);
  const explain = useExplain();
  const [shown, setShown] = useState<Expression>('happy');
  const [tried, setTried] = useState(false);
  // The pictures (by their last key) that somebody wants to save while some previews are still on their way.
  const [wanted, setWanted] = useState<number | null>(null);
  usePreviews(draft, dispatch);
  const found = problems(draft);
  const save = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (found.working) setWanted(draft.nextKey);
    else if (canBeSaved(found)) void onSave();
  };
  const waiting = wanted === draft.nextKey;
  const previewsCame = useEffectEvent(() => {
    if (canBeSaved(found)) void onSave();
  });
  useEffect(() => {
    if (waiting && !found.working) previewsCame();
  }, [waiting, found.working]);
  return (
    <Box component="form" noValidate onSubmit={save} sx={layout}>
      <Box sx={{ position: { md: 'sticky' }, top: { md: 96 }, minWidth: 0 }}>
        <SamplePanel draft={draft} shown={shown} onShow={setShown} />
      </Box>
      <Box sx={{ display: 'grid', gap: 4, minWidth: 0 }}>
        <Slots draft={draft} dispatch={dispatch} shown={shown} onShow={setShown} problems={found} tried={tried} />
        <Details draft={draft} dispatch={dispatch} problems={found} tried={tried} />
        {Boolean(error) && <Alert severity="error">{explain(error)}</Alert>}
        {tried && !canBeSaved(found) && !found.working && <Alert severity="warning">{t.fixFirst}</Alert>}
        <Box sx={{ display: 'flex', alignItems: 'center', gap: 2, flexWrap: 'wrap' }}>
          <Button
            type="submit"
            variant="contained"
            size="large"
            loading={saving || (waiting && found.working)}
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
