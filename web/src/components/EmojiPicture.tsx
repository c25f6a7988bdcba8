import type { Emoji } from '@/lib/api/schema';

import { AuthedImage } from './AuthenticatedImage';
import { copyOf } from '@/lib/thumbnails';
import type { Expression } from '@/lib/expressions';
import { Picture } from './Picture';

interface Props {
  emoji: Emoji;
  expression: Expression;
  /** Empty for decoration. */
  alt: string;
  /** In CSS pixels, or as CSS says it. */
  size: number | string;
  /** How wide that is at most, in CSS pixels, where it is not told by a number. */
  px?: number;
  /** It is what one looks at first. */
  first?: boolean;
}

/** One picture of a template; those that not everybody may see are fetched with the access token. */
export function EmojiPicture({ emoji, expression, alt, size, px = Number(size), first = false }: Props) {
  const image = emoji.images?.[expression];
  if (!image) return null;
  const path = copyOf(image, px);
  if (isForAll(emoji)) {
    const order = first ? ({ fetchPriority: 'high' } as const) : ({ loading: 'lazy' } as const);
    return <Picture src={path} alt={alt} size={size} decoding="async" {...order} />;
  }
  return (
    <AuthedImage
      path={path}
      alt={alt}
      sx={{ width: size, height: 'auto', aspectRatio: '1', objectFit: 'contain', display: 'block' }}
    />
  );
}

/** Whether its pictures can be had without a token. */
export function isForAll(emoji: Pick<Emoji, 'visibility' | 'hidden'>): boolean {
  return emoji.visibility !== 'private' && !emoji.hidden;
}
