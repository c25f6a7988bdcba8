import type { ThunkDispatch, UnknownAction } from '@reduxjs/toolkit';

import { call, type Args } from '@/lib/api/contract';
import { emojis } from '@/lib/api/emojis';
import type { Emoji } from '@/lib/api/schema';

const favorites = emojis.injectEndpoints({
  endpoints: (build) => ({
    addFavorite: build.mutation<unknown, Args<'AddFavorite'>>({
      query: call('put', '/api/v1/emojis/{id}/favorite'),
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Emoji', id }, 'EmojiList'],
      onQueryStarted: ({ id }, store) => updateOptimistically(store, id, true),
    }),
    removeFavorite: build.mutation<unknown, Args<'RemoveFavorite'>>({
      query: call('delete', '/api/v1/emojis/{id}/favorite'),
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Emoji', id }, 'EmojiList'],
      onQueryStarted: ({ id }, store) => updateOptimistically(store, id, false),
    }),
  }),
});

export const { useAddFavoriteMutation, useRemoveFavoriteMutation } = favorites;

type State = Parameters<typeof emojis.util.selectCachedArgsForQuery>[0];

interface MutationApi {
  dispatch: ThunkDispatch<State, unknown, UnknownAction>;
  getState: () => State;
  queryFulfilled: Promise<unknown>;
}

/** Update the favorite in all cached lists at once, and undo it if the server refuses. */
async function updateOptimistically(
  { dispatch, getState, queryFulfilled }: MutationApi,
  id: string,
  isFavorite: boolean,
): Promise<void> {
  const update = (emoji: Emoji) => {
    if (emoji.id !== id || emoji.is_favorite === isFavorite) return;
    emoji.is_favorite = isFavorite;
    emoji.favorites = Math.max(0, emoji.favorites + (isFavorite ? 1 : -1));
  };
  const lists = emojis.util.selectCachedArgsForQuery(getState(), 'listEmojis');
  const patches = [
    dispatch(emojis.util.updateQueryData('getEmoji', { id }, update)),
    ...lists.map((args) =>
      dispatch(emojis.util.updateQueryData('listEmojis', args, (list) => list.emojis.forEach(update))),
    ),
  ];
  try {
    await queryFulfilled;
  } catch {
    patches.forEach((patch) => patch.undo());
  }
}
