import { ThemeProvider } from '@mui/material/styles';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Provider } from 'react-redux';
import { createMemoryRouter, RouterProvider, type RouteObject } from 'react-router';

import type { User } from '@/lib/api/schema';
import type { SessionState } from '@/lib/api/session';
import type { Language } from '@/lib/i18n';
import NoticeBar from '@/app/NoticeBar';
import { makeStore } from '@/app/store';
import { theme } from '@/app/theme';

export const minji: User = {
  id: '0d0bd1a4-5c5c-4d4b-9f5a-000000000001',
  email: 'minji@example.org',
  alias: '민지',
  role: 'user',
};

interface Options {
  /** Null: nobody is logged in. */
  user?: User | null;
  language?: Language;
  /** The address that is open. */
  at?: string;
  /** The path of the screen, with its parameters. */
  path?: string;
  /** Other screens that a test goes to. */
  others?: RouteObject[];
}

/** Renders a screen as the app does, with a store, a theme and a router of its own. */
export function renderApp(
  screen: React.ReactNode,
  { user = null, language = 'en', at = '/', path = '*', others = [] }: Options = {},
) {
  const session: SessionState = user
    ? { status: 'authenticated', accessToken: 'token-of-' + user.id, user }
    : { status: 'anonymous', accessToken: null, user: null };
  const store = makeStore({ session, language });
  const router = createMemoryRouter([{ path, element: screen }, ...others], { initialEntries: [at] });
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
