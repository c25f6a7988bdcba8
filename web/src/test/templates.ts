import type { Emoji, ListEmojisResponse } from '@/lib/api/schema';
import { EXPRESSIONS } from '@/lib/expressions';

import { minji } from './render';

/** A public template of another user by default. */
export function emoji(more: Partial<Emoji> = {}): Emoji {
  const id = more.id ?? '0d0bd1a4-5c5c-4d4b-9f5a-0000000000e1';
  return {
    id,
    name: 'Cats',
    owner: { id: 'somebody', alias: 'Somebody' },
    images: Object.fromEntries(
      EXPRESSIONS.map((key) => [key, `/api/v1/emojis/${id}/images/${key}?v=1`]),
    ) as Emoji['images'] & object,
    etag: 'first',
    created_at: '2026-11-01T00:00:00Z',
    built_in: false,
    visibility: 'public',
    tags: ['animals'],
    uses: 12,
    favorites: 3,
    is_favorite: false,
    hidden: false,
    ...more,
  };
}

export const mine = { owner: { id: minji.id, alias: minji.alias } };

export function listOf(...emojis: Emoji[]): ListEmojisResponse {
  return { emojis, total: emojis.length, total_is_exact: true, next_page_token: '' };
}
