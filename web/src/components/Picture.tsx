import type { SystemStyleObject } from '@mui/system';
import type { Theme } from '@mui/material/styles';
import Box, { type BoxProps } from '@mui/material/Box';

interface Props extends Omit<BoxProps<'img'>, 'component'> {
  src: string;
  /** Empty for decoration. */
  alt: string;
  /** In CSS pixels: the room is there before the picture is. */
  size: number | string;
}

/** A square picture of an emoji. */
export function Picture({ src, alt, size, sx, ...others }: Props) {
  return (
    <Box
      component="img"
      src={src}
      alt={alt}
      draggable={false}
      sx={[{ width: size, aspectRatio: '1', objectFit: 'contain', display: 'block' }, sx as SystemStyleObject<Theme>]}
      {...others}
    />
  );
}
