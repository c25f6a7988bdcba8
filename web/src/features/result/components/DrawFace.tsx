import Box from '@mui/material/Box';
import { useEffect, useRef, type PointerEvent } from 'react';

import type { Box as Frame } from '@/lib/api/schema';
import {
  boxBetween,
  boxStyle,
  moveBox,
  moveBoxByKey,
  resizeBox,
  toPhotoPoint,
  type Point,
  type Size,
} from '@/lib/geometry';
import { useFormats, useMessages } from '@/lib/i18n';

import { messages } from '../messages';

interface Props {
  photo: Size;
  frame: Frame;
  onFrame: (frame: Frame) => void;
  onCover: () => void;
  onCancel: () => void;
}

/** A drag in progress: its kind, its start and the frame at the start. */
interface Drag {
  kind: 'draw' | 'move' | 'resize';
  from: Point;
  frame: Frame;
}

const CORNER = 28;

/** A frame over the photo that is drawn, moved and resized with a pointer or the keyboard. */
export function DrawFace({ photo, frame, onFrame, onCover, onCancel }: Props) {
  const t = useMessages(messages);
  const { percent } = useFormats();
  const area = useRef<HTMLDivElement>(null);
  const framed = useRef<HTMLDivElement>(null);
  const drag = useRef<Drag | null>(null);

  useEffect(() => framed.current?.focus(), []);

  function at(event: PointerEvent): Point {
    return toPhotoPoint({ x: event.clientX, y: event.clientY }, event.currentTarget.getBoundingClientRect(), photo);
  }

  function onPointerDown(event: PointerEvent<HTMLDivElement>) {
    if (!event.isPrimary) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    const kind = (event.target as HTMLElement).dataset['drag'];
    const from = at(event);
    drag.current = { kind: kind === 'move' || kind === 'resize' ? kind : 'draw', from, frame };
    framed.current?.focus();
  }

  function onPointerMove(event: PointerEvent<HTMLDivElement>) {
    if (!drag.current) return;
    const { kind, from, frame: start } = drag.current;
    const to = at(event);
    if (kind === 'draw') onFrame(boxBetween(from, to));
    else onFrame((kind === 'move' ? moveBox : resizeBox)(start, to.x - from.x, to.y - from.y, photo));
  }

  function onKeyDown(event: React.KeyboardEvent) {
    const next = moveBoxByKey(frame, event.key, event.shiftKey, photo);
    if (next) onFrame(next);
    else if (event.key === 'Enter') onCover();
    else if (event.key === 'Escape') onCancel();
    else return;
    event.preventDefault();
  }

  return (
    <Box
      ref={area}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => (drag.current = null)}
      onPointerCancel={() => (drag.current = null)}
      data-testid="draw"
      sx={{
        position: 'absolute',
        inset: 0,
        borderRadius: 0.75,
        overflow: 'hidden',
        cursor: 'crosshair',
        touchAction: 'none',
      }}
    >
      <Box
        ref={framed}
        data-drag="move"
        role="group"
        aria-roledescription={t.frame}
        aria-label={t.frameAt(
          percent(frame.x / photo.width),
          percent(frame.y / photo.height),
          percent(frame.width / photo.width),
          percent(frame.height / photo.height),
        )}
        tabIndex={0}
        onKeyDown={onKeyDown}
        style={boxStyle(frame, photo)}
        sx={{
          position: 'absolute',
          cursor: 'move',
          border: '3px dashed',
          borderColor: 'primary.main',
          borderRadius: '28%',
          // Darken everything outside the frame.
          boxShadow: '0 0 0 9999px rgb(0 0 0 / 45%)',
          outline: 'none',
          '&:focus-visible': { borderStyle: 'solid' },
        }}
      >
        <Box
          data-drag="resize"
          aria-hidden
          title={t.resizeFrame}
          sx={{
            position: 'absolute',
            right: -CORNER / 2,
            bottom: -CORNER / 2,
            width: CORNER,
            height: CORNER,
            borderRadius: '50%',
            bgcolor: 'primary.main',
            border: '3px solid',
            borderColor: 'primary.contrastText',
            cursor: 'nwse-resize',
          }}
        />
      </Box>
    </Box>
  );
}
