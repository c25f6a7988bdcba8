import type { Emoji } from './api/schema';

/** Return whether the pictures can be loaded without a token. */
export function isWorldReadable(emoji: Pick<Emoji, 'visibility' | 'hidden'>): boolean {
  return emoji.visibility !== 'private' && !emoji.hidden;
}
