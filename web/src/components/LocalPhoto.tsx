import Box, { type BoxProps } from '@mui/material/Box';
import { useEffect, useRef, useState } from 'react';

interface Props extends Omit<BoxProps<'img'>, 'component' | 'src' | 'onError'> {
  file: Blob;
  alt: string;
  /** Shown if the browser cannot decode the photo, such as HEIC. */
  fallback?: React.ReactNode;
}

/** Photo from this device, shown without uploading it. */
export function LocalPhoto({ file, alt, fallback = null, ...others }: Props) {
  const image = useRef<HTMLImageElement>(null);
  const [undecodable, setUndecodable] = useState<Blob | null>(null);

  useEffect(() => {
    if (!image.current) return;
    const url = URL.createObjectURL(file);
    image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [file, undecodable]);

  if (undecodable === file) return fallback;
  return <Box component="img" ref={image} alt={alt} onError={() => setUndecodable(file)} {...others} />;
}
