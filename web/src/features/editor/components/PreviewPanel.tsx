import Box from '@mui/material/Box';
import FormControlLabel from '@mui/material/FormControlLabel';
import Switch from '@mui/material/Switch';
import Typography from '@mui/material/Typography';
import { useState } from 'react';

import { EXPRESSIONS, useExpressionNames, type Expression } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { useSlotUrl } from '../hooks/useSlotUrl';
import { editorMessages } from '../messages';
import { slot, type Draft } from '../utils/draft';
import { SampleFace } from './SampleFace';

interface Props {
  draft: Draft;
  shown: Expression;
  onShow: (expression: Expression) => void;
}

/** Preview of the template on a drawn face. */
export function PreviewPanel({ draft, shown, onShow }: Props) {
  const t = useMessages(editorMessages);
  const names = useExpressionNames();
  const [peeking, setPeeking] = useState(false);
  const url = useSlotUrl(slot(draft, shown), 200);
  const emoji = peeking ? null : url;
  return (
    <Box component="section" aria-labelledby="preview" sx={{ display: 'grid', gap: 1.5 }}>
      <Typography id="preview" variant="h3" component="h2">
        {t.preview}
      </Typography>
      <Box sx={{ borderRadius: 2, overflow: 'hidden', maxWidth: { xs: 280, md: 'none' }, width: '100%', mx: 'auto' }}>
        <SampleFace
          expression={shown}
          emoji={emoji}
          title={emoji ? t.sampleCovered(names[shown]) : t.sample(names[shown])}
        />
      </Box>
      <Box
        role="group"
        aria-label={t.preview}
        sx={{ display: 'flex', flexWrap: 'wrap', gap: 0.75, justifyContent: 'center' }}
      >
        {EXPRESSIONS.map((expression) => (
          <Box
            component="button"
            type="button"
            key={expression}
            aria-pressed={expression === shown}
            onClick={() => onShow(expression)}
            sx={pill}
          >
            {names[expression]}
          </Box>
        ))}
      </Box>
      <FormControlLabel
        control={<Switch checked={peeking} onChange={(_, checked) => setPeeking(checked)} />}
        label={t.peek}
        sx={{ mx: 'auto' }}
      />
    </Box>
  );
}

const pill = {
  px: 1.5,
  minHeight: 36,
  border: 2,
  borderColor: 'divider',
  borderRadius: 999,
  bgcolor: 'background.paper',
  color: 'text.primary',
  font: 'inherit',
  fontSize: 14,
  fontWeight: 600,
  cursor: 'pointer',
  '&[aria-pressed=true]': { bgcolor: 'primary.main', borderColor: 'primary.main', color: 'primary.contrastText' },
  '&:focus-visible': { outline: '3px solid', outlineColor: 'secondary.main', outlineOffset: 2 },
} as const;
