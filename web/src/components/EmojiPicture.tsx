import type { Emoji } from '@/lib/api/schema';
import type { Expression } from '@/lib/expressions';
import { thumbnailUrl } from '@/lib/thumbnails';
import { isWorldReadable } from '@/lib/visibility';

import { AuthenticatedImage } from './AuthenticatedImage';
import { Picture } from './Picture';

interface Props {
  emoji: Emoji;
  expression: Expression;
  /** Empty for decoration. */
  alt: string;
  /** In CSS pixels, or any CSS length. */
  size: number | string;
  /** Maximum width in CSS pixels, if `size` is not a number. */
  px?: number;
  /** Load with high priority: visible without scrolling. */
  first?: boolean;
}

/** One picture of a template. Pictures that are not for everybody are loaded with the access token. */
export function EmojiPicture({ emoji, expression, alt, size, px = Number(size), first = false }: Props) {
  const image = emoji.images?.[expression];
  if (!image) return null;
  const path = thumbnailUrl(image, px);
  if (isWorldReadable(emoji)) {
    const order = first ? ({ fetchPriority: 'high' } as const) : ({ loading: 'lazy' } as const);
    return <Picture src={path} alt={alt} size={size} decoding="async" {...order} />;
  }
  return (
    <AuthenticatedImage
      path={path}
      alt={alt}
      sx={{ width: size, height: 'auto', aspectRatio: '1', objectFit: 'contain', display: 'block' }}
    />
  );
}
