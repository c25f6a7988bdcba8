import Box from '@mui/material/Box';
import CircularProgress from '@mui/material/CircularProgress';
import IconButton from '@mui/material/IconButton';
import Typography from '@mui/material/Typography';
import { useRef, type Dispatch, type DragEvent } from 'react';

import { AddIcon, CloseIcon, RefreshIcon } from '@/components/icons';
import { Picture } from '@/components/Picture';
import { useExpressionNames, type Expression } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { useSlotUrl } from '../hooks/useSlotUrl';
import { editorMessages } from '../messages';
import { slot, type Action, type Draft, type Slot } from '../utils/draft';

interface Props {
  draft: Draft;
  dispatch: Dispatch<Action>;
  expression: Expression;
  /** Mark the slot: it must be filled before saving. */
  marked: boolean;
  onShow: () => void;
  onFile: (file: File) => void;
}

/** Slot of one expression: shows its picture, and takes another one. */
export function PictureSlot({ draft, dispatch, expression, marked, onShow, onFile }: Props) {
  const t = useMessages(editorMessages);
  const names = useExpressionNames();
  const input = useRef<HTMLInputElement>(null);
  const content = slot(draft, expression);
  const name = names[expression];
  const drop = (event: DragEvent) => {
    const [file, another] = event.dataTransfer.files;
    if (!file || another) return; // several files: the surrounding area assigns them
    event.preventDefault();
    event.stopPropagation();
    onFile(file);
  };
  return (
    <Box
      sx={{ position: 'relative', display: 'grid', alignContent: 'start', gap: 0.5, textAlign: 'center' }}
      onDrop={drop}
      onFocus={onShow}
    >
      <Box
        component="button"
        type="button"
        aria-label={content.state === 'empty' ? t.choose(name) : t.replace(name)}
        aria-busy={content.state === 'working'}
        onClick={() => input.current?.click()}
        onMouseEnter={onShow}
        sx={{
          ...place,
          borderStyle: content.state === 'empty' ? 'dashed' : 'solid',
          ...(marked && { borderColor: 'error.main' }),
        }}
      >
        <SlotContent content={content} working={t.working(name)} />
      </Box>
      <Typography variant="body2" component="span" aria-hidden sx={{ fontWeight: 700 }}>
        {name}
      </Typography>
      {content.state === 'refused' && (
        <Typography variant="caption" color="error" role="alert">
          {t[`error_${content.reason}`]}
        </Typography>
      )}
      <SlotButton
        content={content}
        own={Boolean(draft.pictures[expression])}
        name={name}
        dispatch={dispatch}
        expression={expression}
      />
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        data-expression={expression}
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file) onFile(file);
          event.target.value = '';
        }}
      />
    </Box>
  );
}

function SlotContent({ content, working }: { content: Slot; working: string }) {
  const url = useSlotUrl(content, 72);
  if (url) return <Picture src={url} alt="" size="84%" />;
  if (content.state === 'working') return <CircularProgress size={28} aria-label={working} />;
  return <AddIcon sx={{ color: 'text.secondary' }} />;
}

interface SlotButtonProps {
  content: Slot;
  /** True if the user chose the picture. */
  own: boolean;
  name: string;
  dispatch: Dispatch<Action>;
  expression: Expression;
}

/** Button that removes the chosen picture, or retries a failed preview. */
function SlotButton({ content, own, name, dispatch, expression }: SlotButtonProps) {
  const t = useMessages(editorMessages);
  if (!own) return null;
  const again = content.state === 'refused' && content.reason === 'failed';
  return (
    <IconButton
      size="small"
      aria-label={again ? t.retry(name) : t.takeAway(name)}
      onClick={() => dispatch({ type: again ? 'retried' : 'removed', expression })}
      sx={corner}
    >
      {again ? <RefreshIcon fontSize="small" /> : <CloseIcon fontSize="small" />}
    </IconButton>
  );
}

const place = {
  display: 'grid',
  placeItems: 'center',
  width: '100%',
  aspectRatio: '1',
  p: 0,
  border: 2,
  borderColor: 'divider',
  borderRadius: 1.5,
  bgcolor: 'background.paper',
  color: 'text.primary',
  cursor: 'pointer',
  '&:hover': { borderColor: 'primary.main' },
  '&:focus-visible': { outline: '3px solid', outlineColor: 'secondary.main', outlineOffset: 2 },
} as const;

const corner = {
  position: 'absolute',
  top: -10,
  right: -10,
  minWidth: 36,
  minHeight: 36,
  bgcolor: 'background.paper',
  border: 1,
  borderColor: 'divider',
  '&:hover': { bgcolor: 'background.default' },
} as const;
