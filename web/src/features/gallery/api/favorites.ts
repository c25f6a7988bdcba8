import type { ThunkDispatch, UnknownAction } from '@reduxjs/toolkit';

import { call, type Args } from '@/lib/api/contract';
import { emojis } from '@/lib/api/emojis';
import type { Emoji } from '@/lib/api/schema';

const favorites = emojis.injectEndpoints({
  endpoints: (build) => ({
    addFavorite: build.mutation<unknown, Args<'AddFavorite'>>({
      query: call('put', '/api/v1/emojis/{id}/favorite'),
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Emoji', id }, 'EmojiList'],
      onQueryStarted: ({ id }, store) => showFavorite(store, id, true),
    }),
    removeFavorite: build.mutation<unknown, Args<'RemoveFavorite'>>({
      query: call('delete', '/api/v1/emojis/{id}/favorite'),
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Emoji', id }, 'EmojiList'],
      onQueryStarted: ({ id }, store) => showFavorite(store, id, false),
    }),
  }),
});

export const { useAddFavoriteMutation, useRemoveFavoriteMutation } = favorites;

type State = Parameters<typeof emojis.util.selectCachedArgsForQuery>[0];

interface Started {
  dispatch: ThunkDispatch<State, unknown, UnknownAction>;
  getState: () => State;
  queryFulfilled: Promise<unknown>;
}

/** Shows it everywhere before the server has answered, and takes it back if the server refuses. */
async function showFavorite({ dispatch, getState, queryFulfilled }: Started, id: string, is: boolean): Promise<void> {
  const mark = (emoji: Emoji) => {
    if (emoji.id !== id || emoji.is_favorite === is) return;
    emoji.is_favorite = is;
    emoji.favorites = Math.max(0, emoji.favorites + (is ? 1 : -1));
  };
  const lists = emojis.util.selectCachedArgsForQuery(getState(), 'listEmojis');
  const shown = [
    dispatch(emojis.util.updateQueryData('getEmoji', { id }, mark)),
    ...lists.map((args) =>
      dispatch(emojis.util.updateQueryData('listEmojis', args, (list) => list.emojis.forEach(mark))),
    ),
  ];
  try {
    await queryFulfilled;
  } catch {
    shown.forEach((change) => change.undo());
  }
}
