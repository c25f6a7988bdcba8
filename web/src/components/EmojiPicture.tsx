import type { Emoji } from '@/api/schema';

import { AuthedImage } from './AuthedImage';
import type { Expression } from './expressions';
import { Picture } from './Picture';

interface Props {
  emoji: Emoji;
  expression: Expression;
  /** Empty for decoration. */
  alt: string;
  /** In CSS pixels. */
  size: number | string;
}

/** One picture of a template; those that not everybody may see are fetched with the access token. */
export function EmojiPicture({ emoji, expression, alt, size }: Props) {
  const path = emoji.images?.[expression];
  if (!path) return null;
  if (isForAll(emoji)) return <Picture src={path} alt={alt} size={size} loading="lazy" decoding="async" />;
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
