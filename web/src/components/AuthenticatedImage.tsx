import Box, { type BoxProps } from '@mui/material/Box';
import Skeleton from '@mui/material/Skeleton';
import { useEffect, useRef, useState, type RefObject } from 'react';

import { useAuthenticatedImage } from '@/lib/hooks/useAuthenticatedImage';

/** Distance from the screen at which a picture begins to load. */
const MARGIN = '400px';

/** Return whether an element has come near the screen. */
function useNearScreen(element: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(() => !('IntersectionObserver' in window));
  useEffect(() => {
    if (near || !element.current) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setNear(true), {
      rootMargin: MARGIN,
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [near, element]);
  return near;
}

interface Props extends Omit<BoxProps<'img'>, 'component' | 'src'> {
  /** Relative to the gateway's address, such as `image_url` of a task. */
  path: string;
  alt: string;
}

/** Picture that needs the access token; it is loaded when it comes near the screen, like `loading="lazy"`. */
export function AuthenticatedImage({ path, alt, sx, ...others }: Props) {
  const placeholder = useRef<HTMLSpanElement>(null);
  const near = useNearScreen(placeholder);
  const { url, failed } = useAuthenticatedImage(near ? path : undefined);
  if (!url) {
    const animation = failed ? false : 'wave';
    return <Skeleton ref={placeholder} role="img" aria-label={alt} variant="rounded" animation={animation} sx={sx} />;
  }
  return <Box component="img" src={url} alt={alt} sx={sx} {...others} />;
}
