import { createBrowserRouter, type RouteObject } from 'react-router';

import { Layout } from './Layout';
import { Lost } from './NotFound';
import { RequireUser } from './RequireUser';
import { SCREENS, type Path } from './lazyRoutes';

function screen(path: Path): RouteObject {
  return { path, lazy: async () => ({ Component: (await SCREENS[path]()).default }) };
}

export const routes: RouteObject[] = [
  {
    Component: Layout,
    ErrorBoundary: Lost,
    HydrateFallback: () => null,
    children: [
      screen('/'),
      screen('/login'),
      screen('/signup'),
      screen('/forgot-password'),
      screen('/reset-password'),
      screen('/templates'),
      screen('/templates/:id'),
      screen('/ranking'),
      screen('/make'),
      screen('/s/:token'),
      {
        Component: RequireUser,
        children: [
          screen('/templates/new'),
          screen('/templates/:id/edit'),
          screen('/results/:taskId'),
          screen('/me'),
          screen('/account'),
        ],
      },
      {
        element: <RequireUser operator />,
        children: [screen('/moderation')],
      },
      { path: '*', Component: Lost },
    ],
  },
];

export function makeRouter() {
  return createBrowserRouter(routes);
}
