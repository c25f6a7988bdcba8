import Box from '@mui/material/Box';
import { useEffect, useRef, type PointerEvent } from 'react';

import type { Box as Frame } from '@/lib/api/schema';
import { useFormats, useMessages } from '@/lib/i18n';

import { between, byKey, moved, placed, type Point, resized, type Size, toPhoto } from '@/lib/geometry';
import { messages } from '../messages';

interface Props {
  photo: Size;
  frame: Frame;
  onFrame: (frame: Frame) => void;
  onCover: () => void;
  onCancel: () => void;
}

/** What a held pointer does, from where it was put down. */
interface Hold {
  deed: 'draw' | 'move' | 'resize';
  from: Point;
  frame: Frame;
}

const CORNER = 28;

/** A frame over the photo that can be drawn, moved and resized, with a pointer or with keys. */
export function DrawFace({ photo, frame, onFrame, onCover, onCancel }: Props) {
  const t = useMessages(messages);
  const { percent } = useFormats();
  const area = useRef<HTMLDivElement>(null);
  const framed = useRef<HTMLDivElement>(null);
  const hold = useRef<Hold | null>(null);

  useEffect(() => framed.current?.focus(), []);

  function at(event: PointerEvent): Point {
    return toPhoto({ x: event.clientX, y: event.clientY }, event.currentTarget.getBoundingClientRect(), photo);
  }

  function down(event: PointerEvent<HTMLDivElement>) {
    if (!event.isPrimary) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    const deed = (event.target as HTMLElement).dataset['deed'];
    const from = at(event);
    hold.current = { deed: deed === 'move' || deed === 'resize' ? deed : 'draw', from, frame };
    framed.current?.focus();
  }

  function move(event: PointerEvent<HTMLDivElement>) {
    if (!hold.current) return;
    const { deed, from, frame: was } = hold.current;
    const to = at(event);
    if (deed === 'draw') onFrame(between(from, to));
    else onFrame((deed === 'move' ? moved : resized)(was, to.x - from.x, to.y - from.y, photo));
  }

  function key(event: React.KeyboardEvent) {
    const next = byKey(frame, event.key, event.shiftKey, photo);
    if (next) onFrame(next);
    else if (event.key === 'Enter') onCover();
    else if (event.key === 'Escape') onCancel();
    else return;
    event.preventDefault();
  }

  return (
    <Box
      ref={area}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={() => (hold.current = null)}
      onPointerCancel={() => (hold.current = null)}
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
        data-deed="move"
        role="group"
        aria-roledescription={t.frame}
        aria-label={t.frameAt(
          percent(frame.x / photo.width),
          percent(frame.y / photo.height),
          percent(frame.width / photo.width),
          percent(frame.height / photo.height),
        )}
        tabIndex={0}
        onKeyDown={key}
        style={placed(frame, photo)}
        sx={{
          position: 'absolute',
          cursor: 'move',
          border: '3px dashed',
          borderColor: 'primary.main',
          borderRadius: '28%',
          // What is not framed steps back.
          boxShadow: '0 0 0 9999px rgb(0 0 0 / 45%)',
          outline: 'none',
          '&:focus-visible': { borderStyle: 'solid' },
        }}
      >
        <Box
          data-deed="resize"
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
