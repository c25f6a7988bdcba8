import Box, { type BoxProps } from '@mui/material/Box';
import type { Theme } from '@mui/material/styles';
import type { SystemStyleObject } from '@mui/system';
import type { SyntheticEvent } from 'react';

interface Props extends Omit<BoxProps<'img'>, 'component'> {
  src: string;
  /** Empty for decoration. */
  alt: string;
  /** In CSS pixels; reserves the space before the picture is loaded. */
  size: number | string;
}

const MAX_RETRIES = 3;

/** Retry a picture that failed to load, as browsers do not: the service may have been overloaded. */
function retryLoad({ currentTarget: image }: SyntheticEvent<HTMLImageElement>): void {
  const tries = Number(image.dataset['tries'] ?? 0);
  if (tries >= MAX_RETRIES) return;
  image.dataset['tries'] = String(tries + 1);
  setTimeout(() => image.setAttribute('src', image.getAttribute('src') ?? ''), 1000 * 2 ** tries);
}

/** Square picture. */
export function Picture({ src, alt, size, sx, ...others }: Props) {
  return (
    <Box
      component="img"
      src={src}
      alt={alt}
      draggable={false}
      onError={retryLoad}
      sx={[{ width: size, aspectRatio: '1', objectFit: 'contain', display: 'block' }, sx as SystemStyleObject<Theme>]}
      {...others}
    />
  );
}
