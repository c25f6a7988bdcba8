import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import useMediaQuery from '@mui/material/useMediaQuery';
import { useEffect, useEffectEvent, useId, useRef, useState } from 'react';

import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { Picture } from '@/components/Picture';
import { useMessages } from '@/lib/i18n';
import { ACCEPTED_PHOTO_TYPES, carriesFiles, filesOf } from '@/lib/photoFiles';

import { messages } from '../messages';
import { CameraDialog } from './CameraDialog';

/** Input for photos: chosen, dropped anywhere on the page, pasted, or taken with the camera. */
export function DropZone({ onFiles }: { onFiles: (files: File[]) => void }) {
  const t = useMessages(messages);
  const limits = useId();
  const chooser = useRef<HTMLInputElement>(null);
  const phoneCamera = useRef<HTMLInputElement>(null);
  const [camera, setCamera] = useState(false);
  const touch = useMediaQuery('(pointer: coarse)');
  const over = useDroppedFiles(onFiles);

  function take(input: HTMLInputElement) {
    onFiles(Array.from(input.files ?? []));
    // So that the same file can be chosen again.
    input.value = '';
  }

  return (
    <Box
      sx={{
        display: 'grid',
        justifyItems: 'center',
        alignContent: 'center',
        gap: 1.5,
        textAlign: 'center',
        p: { xs: 2.5, md: 5 },
        borderRadius: 1.5,
        border: '3px dashed',
        borderColor: over ? 'secondary.main' : 'primary.dark',
        bgcolor: over ? 'primary.light' : 'background.paper',
        color: over ? 'primary.contrastText' : 'text.primary',
        transition: 'background-color 150ms, transform 150ms',
        transform: over ? 'scale(1.01)' : 'none',
      }}
    >
      <Picture src={over ? EXPRESSION_PICTURES.surprise : EXPRESSION_PICTURES.happy} alt="" size={88} />
      <Typography variant="h3" component="p" sx={{ display: { xs: 'none', md: 'block' } }}>
        {over ? t.letGo : t.dropHere}
      </Typography>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1.5, justifyContent: 'center' }}>
        <Button variant="contained" size="large" onClick={() => chooser.current?.click()} aria-describedby={limits}>
          {t.choose}
        </Button>
        <Button
          variant="outlined"
          size="large"
          onClick={() => (touch ? phoneCamera.current?.click() : setCamera(true))}
        >
          {t.camera}
        </Button>
      </Box>
      <Typography id={limits} variant="body2" color={over ? 'inherit' : 'textSecondary'}>
        {t.limits}
        <Box component="span" sx={{ display: { xs: 'none', md: 'block' } }}>
          {t.pasteToo}
        </Box>
      </Typography>
      <input
        ref={chooser}
        type="file"
        accept={ACCEPTED_PHOTO_TYPES}
        multiple
        hidden
        data-testid="photos"
        onChange={({ currentTarget }) => take(currentTarget)}
      />
      <input
        ref={phoneCamera}
        type="file"
        accept="image/*"
        capture="environment"
        hidden
        onChange={({ currentTarget }) => take(currentTarget)}
      />
      {camera && <CameraDialog onPhoto={(photo) => onFiles([photo])} onClose={() => setCamera(false)} />}
    </Box>
  );
}

/** Handle files that are dropped on the page or pasted. Returns whether files are being dragged over the page. */
function useDroppedFiles(onFiles: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const onTransfer = useEffectEvent((files: File[]) => files.length > 0 && onFiles(files));

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const onDrag = (event: DragEvent) => {
      if (!carriesFiles(event.dataTransfer)) return;
      // Otherwise the browser would replace the page by the photo.
      event.preventDefault();
      setOver(event.type === 'dragover');
    };
    document.addEventListener('dragover', onDrag, { signal });
    document.addEventListener('drop', onDrag, { signal });
    document.addEventListener('drop', ({ dataTransfer }) => onTransfer(filesOf(dataTransfer)), { signal });
    document.addEventListener('dragleave', ({ relatedTarget }) => relatedTarget ?? setOver(false), { signal });
    document.addEventListener('paste', ({ clipboardData }) => onTransfer(filesOf(clipboardData)), { signal });
    return () => controller.abort();
  }, []);

  return over;
}
