import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Chip from '@mui/material/Chip';
import { useRef, useState } from 'react';

import { LocalPhoto } from '@/components/LocalPhoto';
import { useMessages } from '@/lib/i18n';
import { ACCEPTED_PHOTO_TYPES } from '@/lib/photoFiles';

import { messages } from '../messages';

const layer = { position: 'absolute', inset: 0, width: 1, height: 1, objectFit: 'cover', display: 'block' } as const;

/** The original from the user's device over the result, with a divider between them. */
export function CompareOriginal({ original }: { original: Blob }) {
  const t = useMessages(messages);
  const [shown, setShown] = useState(50);
  return (
    <Box
      sx={{
        position: 'absolute',
        inset: 0,
        borderRadius: 0.75,
        overflow: 'hidden',
        '&:focus-within .handle': { bgcolor: 'secondary.main', color: 'secondary.contrastText' },
      }}
    >
      <Box sx={layer} style={{ clipPath: `inset(0 ${String(100 - shown)}% 0 0)` }}>
        <LocalPhoto
          file={original}
          alt={t.original}
          sx={layer}
          fallback={
            <Alert severity="warning" sx={{ m: 2 }}>
              {t.originalUnseen}
            </Alert>
          }
        />
      </Box>
      <Chip label={t.before} size="small" sx={{ position: 'absolute', top: 8, left: 8, ...label }} />
      <Chip label={t.after} size="small" sx={{ position: 'absolute', top: 8, right: 8, ...label }} />
      <Box
        aria-hidden
        sx={{ position: 'absolute', top: 0, bottom: 0, width: 4, ml: '-2px', bgcolor: 'primary.main' }}
        style={{ left: `${String(shown)}%` }}
      >
        <Box
          className="handle"
          sx={{
            position: 'absolute',
            top: '50%',
            left: '50%',
            width: 44,
            height: 44,
            transform: 'translate(-50%, -50%)',
            borderRadius: '50%',
            display: 'grid',
            placeItems: 'center',
            bgcolor: 'primary.main',
            color: 'primary.contrastText',
            fontWeight: 700,
            boxShadow: 3,
          }}
        >
          ↔
        </Box>
      </Box>
      <Box
        component="input"
        type="range"
        min={0}
        max={100}
        value={shown}
        aria-label={t.divider}
        aria-valuetext={`${String(shown)}%`}
        onChange={({ currentTarget }: React.ChangeEvent<HTMLInputElement>) => setShown(Number(currentTarget.value))}
        sx={{ ...layer, m: 0, opacity: 0, cursor: 'ew-resize', touchAction: 'pan-y' }}
      />
    </Box>
  );
}

const label = { bgcolor: 'rgb(0 0 0 / 65%)', color: 'common.white' };

/** File chooser for an original that is no longer in memory. */
export function ChooseOriginal({ onChoose }: { onChoose: (original: File) => void }) {
  const t = useMessages(messages);
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <Alert
      severity="info"
      icon={false}
      action={
        <Button size="small" onClick={() => chooser.current?.click()}>
          {t.originalChoose}
        </Button>
      }
    >
      {t.originalAway}
      <input
        ref={chooser}
        type="file"
        accept={ACCEPTED_PHOTO_TYPES}
        hidden
        data-testid="original"
        onChange={({ currentTarget }) => currentTarget.files?.[0] && onChoose(currentTarget.files[0])}
      />
    </Alert>
  );
}
