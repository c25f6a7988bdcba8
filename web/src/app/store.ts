import { configureStore, createListenerMiddleware, isAnyOf } from '@reduxjs/toolkit';
import { setupListeners } from '@reduxjs/toolkit/query';

import { api } from '@/lib/api/api';
import { ApiClient } from '@/lib/api/apiClient';
import { sessionEnded, sessionStarted } from '@/lib/api/session';
import { languageChosen, storeLanguage } from '@/lib/i18n';
import { rootReducer, type AppStore, type RootState } from '@/lib/store';

export function makeStore(preloadedState?: Partial<RootState>): AppStore {
  const listener = createListenerMiddleware<RootState>();
  listener.startListening({
    actionCreator: languageChosen,
    effect: ({ payload }) => storeLanguage(payload),
  });
  // The answers for templates, lists and pages depend on the user.
  listener.startListening({
    matcher: isAnyOf(sessionStarted, sessionEnded),
    effect: (_, { dispatch, getOriginalState, getState }) => {
      const before = getOriginalState().session;
      const userChanged = before.status !== 'unknown' && before.user?.id !== getState().session.user?.id;
      if (userChanged || before.status === 'expired') {
        dispatch(api.util.invalidateTags(['Me', 'Emoji', 'EmojiList', 'Task', 'MyResults', 'MyEmojis', 'Reports']));
      }
    },
  });
  const store = configureStore({
    reducer: rootReducer,
    preloadedState: preloadedState as RootState,
    middleware: (getDefaultMiddleware) =>
      getDefaultMiddleware({ thunk: { extraArgument: new ApiClient() } })
        .prepend(listener.middleware)
        .concat(api.middleware),
  });
  setupListeners(store.dispatch);
  return store;
}
