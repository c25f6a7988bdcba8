import type { SystemStyleObject } from '@mui/system';
import type { Theme } from '@mui/material/styles';
import Box, { type BoxProps } from '@mui/material/Box';
import type { SyntheticEvent } from 'react';

interface Props extends Omit<BoxProps<'img'>, 'component'> {
  src: string;
  /** Empty for decoration. */
  alt: string;
  /** In CSS pixels: the room is there before the picture is. */
  size: number | string;
}

const TRIES = 3;

/** Asks for a picture again that did not come: a service may be busy for a moment, and browsers do not ask twice. */
function askAgain({ currentTarget: image }: SyntheticEvent<HTMLImageElement>): void {
  const tries = Number(image.dataset['tries'] ?? 0);
  if (tries >= TRIES) return;
  image.dataset['tries'] = String(tries + 1);
  setTimeout(() => image.setAttribute('src', image.getAttribute('src') ?? ''), 1000 * 2 ** tries);
}

/** A square picture of an emoji. */
export function Picture({ src, alt, size, sx, ...others }: Props) {
  return (
    <Box
      component="img"
      src={src}
      alt={alt}
      draggable={false}
      onError={askAgain}
      sx={[{ width: size, aspectRatio: '1', objectFit: 'contain', display: 'block' }, sx as SystemStyleObject<Theme>]}
      {...others}
    />
  );
}
