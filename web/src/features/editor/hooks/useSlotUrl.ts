import { useAuthenticatedImage } from '@/lib/hooks/useAuthenticatedImage';
import { thumbnailUrl } from '@/lib/thumbnails';

import type { Slot } from '../utils/draft';

/** Return the URL of the picture in a slot; null while there is none. */
export function useSlotUrl(slot: Slot, px: number): string | null {
  const path = slot.state === 'base' ? thumbnailUrl(slot.url, px) : undefined;
  const needsToken = slot.state === 'base' && !slot.worldReadable;
  const { url } = useAuthenticatedImage(needsToken ? path : undefined);
  if (needsToken) return url;
  return path ?? (slot.state === 'ready' ? slot.url : null);
}
