import { combineSlices, configureStore, createListenerMiddleware, isAnyOf } from '@reduxjs/toolkit';
import { setupListeners } from '@reduxjs/toolkit/query';
import { useDispatch, useSelector } from 'react-redux';

import { api } from '@/lib/api/api';
import { session, sessionEnded, sessionStarted } from '@/lib/api/session';
import { photosSlice } from '@/features/photo/photosSlice';

import { language, languageChosen, rememberLanguage } from '@/lib/i18n';
import { notices } from '@/lib/notices';

const rootReducer = combineSlices(api, language, notices, photosSlice, session);

export type AppState = ReturnType<typeof rootReducer>;

export function makeStore(preloadedState?: Partial<AppState>) {
  const listener = createListenerMiddleware<AppState>();
  listener.startListening({
    actionCreator: languageChosen,
    effect: ({ payload }) => rememberLanguage(payload),
  });
  // What a template, a list or a page looks like depends on who asks.
  listener.startListening({
    matcher: isAnyOf(sessionStarted, sessionEnded),
    effect: (_, { dispatch, getOriginalState, getState }) => {
      const before = getOriginalState().session;
      const isSomebodyElse = before.status !== 'unknown' && before.user?.id !== getState().session.user?.id;
      if (isSomebodyElse || before.status === 'expired') {
        dispatch(api.util.invalidateTags(['Me', 'Emoji', 'EmojiList', 'Task', 'MyResults', 'MyEmojis', 'Reports']));
      }
    },
  });
  const store = configureStore({
    reducer: rootReducer,
    preloadedState: preloadedState as AppState,
    middleware: (defaults) => defaults().prepend(listener.middleware).concat(api.middleware),
  });
  setupListeners(store.dispatch);
  return store;
}

export type AppStore = ReturnType<typeof makeStore>;

export const useAppDispatch = useDispatch.withTypes<AppStore['dispatch']>();
export const useAppSelector = useSelector.withTypes<AppState>();
