import Box, { type BoxProps } from '@mui/material/Box';
import { useEffect, useRef, useState } from 'react';

interface Props extends Omit<BoxProps<'img'>, 'component' | 'src' | 'onError'> {
  file: Blob;
  alt: string;
  /** Instead of a photo that this browser can't show, such as HEIC. */
  fallback?: React.ReactNode;
}

/** A photo from this machine. It goes nowhere. */
export function LocalPhoto({ file, alt, fallback = null, ...others }: Props) {
  const image = useRef<HTMLImageElement>(null);
  const [unseen, setUnseen] = useState<Blob | null>(null);

  useEffect(() => {
    if (!image.current) return;
    const url = URL.createObjectURL(file);
    image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [file, unseen]);

  if (unseen === file) return fallback;
  return <Box component="img" ref={image} alt={alt} onError={() => setUnseen(file)} {...others} />;
}
