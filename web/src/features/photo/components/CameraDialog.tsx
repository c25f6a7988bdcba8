import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import { useEffect, useId, useRef, useState } from 'react';

import { useMessages } from '@/lib/i18n';

import { messages } from '../messages';

interface Props {
  onPhoto: (photo: File) => void;
  onClose: () => void;
}

const QUALITY = 0.92;

/** Take a photo with the camera of a computer; phones use their camera app. */
export function CameraDialog({ onPhoto, onClose }: Props) {
  const t = useMessages(messages);
  const id = useId();
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<'starting' | 'on' | 'none'>('starting');

  useEffect(() => {
    let stream: MediaStream | undefined;
    let closed = false;
    startCamera()
      .then(async (started) => {
        stream = started;
        if (closed || !video.current) return stop(started);
        video.current.srcObject = started;
        await video.current.play();
        setState('on');
      })
      .catch(() => setState('none'));
    return () => {
      closed = true;
      if (stream) stop(stream);
    };
  }, []);

  async function shoot() {
    const photo = video.current && (await frameOf(video.current));
    if (!photo) return setState('none');
    onPhoto(photo);
    onClose();
  }

  return (
    <Dialog open onClose={onClose} aria-labelledby={id} fullWidth maxWidth="sm">
      <DialogTitle id={id} variant="h3">
        {t.cameraTitle}
      </DialogTitle>
      <DialogContent>
        {state === 'none' ? (
          <Alert severity="warning">{t.cameraNone}</Alert>
        ) : (
          <Box sx={{ aspectRatio: '4 / 3', borderRadius: 1, overflow: 'hidden', bgcolor: 'common.black' }}>
            <Box
              component="video"
              ref={video}
              muted
              playsInline
              aria-label={t.cameraStarting}
              // Mirrored for the user; the photo itself is not mirrored.
              sx={{ width: 1, height: 1, objectFit: 'cover', transform: 'scaleX(-1)', display: 'block' }}
            />
          </Box>
        )}
      </DialogContent>
      <DialogActions sx={{ p: 2.5, pt: 0 }}>
        <Button onClick={onClose}>{t.close}</Button>
        <Button variant="contained" disabled={state !== 'on'} onClick={shoot}>
          {t.shoot}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

async function startCamera(): Promise<MediaStream> {
  // Browsers do not provide it on pages without TLS.
  if (!('mediaDevices' in navigator)) throw new Error('No camera is available.');
  return navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1440 } } });
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

async function frameOf(video: HTMLVideoElement): Promise<File | null> {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
  const name = `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.jpg`;
  return blob && new File([blob], name, { type: blob.type });
}
