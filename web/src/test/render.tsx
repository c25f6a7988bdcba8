import { ThemeProvider } from '@mui/material/styles';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Provider } from 'react-redux';
import { createMemoryRouter, RouterProvider, type RouteObject } from 'react-router';

import NoticeBar from '@/app/NoticeBar';
import { makeStore } from '@/app/store';
import { theme } from '@/app/theme';
import type { User } from '@/lib/api/schema';
import type { SessionState } from '@/lib/api/session';
import type { Language } from '@/lib/i18n';

export const minji: User = {
  id: '0d0bd1a4-5c5c-4d4b-9f5a-000000000001',
  email: 'minji@example.org',
  alias: '민지',
  role: 'user',
};

interface Options {
  /** Null: not logged in. */
  user?: User | null;
  language?: Language;
  /** The current address. */
  at?: string;
  /** Path of the page, with parameters. */
  path?: string;
  /** Other pages that a test navigates to. */
  others?: RouteObject[];
}

/** Render a page as the app does, with its own store, theme and router. */
export function renderApp(
  page: React.ReactNode,
  { user = null, language = 'en', at = '/', path = '*', others = [] }: Options = {},
) {
  const session: SessionState = user
    ? { status: 'authenticated', accessToken: 'token-of-' + user.id, user }
    : { status: 'anonymous', accessToken: null, user: null };
  const store = makeStore({ session, language });
  const router = createMemoryRouter([{ path, element: page }, ...others], { initialEntries: [at] });
  const view = render(
    <ThemeProvider theme={theme}>
      <Provider store={store}>
        <RouterProvider router={router} />
        <NoticeBar />
      </Provider>
    </ThemeProvider>,
  );
  return { ...view, store, router, person: userEvent.setup() };
}
