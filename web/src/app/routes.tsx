import { createBrowserRouter, type RouteObject } from 'react-router';

import { Layout } from './Layout';
import { LAZY_ROUTES, type Path } from './lazyRoutes';
import { NotFound } from './NotFound';
import { RequireUser } from './RequireUser';

function lazyRoute(path: Path): RouteObject {
  return { path, lazy: async () => ({ Component: (await LAZY_ROUTES[path]()).default }) };
}

export const routes: RouteObject[] = [
  {
    Component: Layout,
    ErrorBoundary: NotFound,
    HydrateFallback: () => null,
    children: [
      lazyRoute('/'),
      lazyRoute('/login'),
      lazyRoute('/signup'),
      lazyRoute('/forgot-password'),
      lazyRoute('/reset-password'),
      lazyRoute('/templates'),
      lazyRoute('/templates/:id'),
      lazyRoute('/ranking'),
      lazyRoute('/make'),
      lazyRoute('/s/:token'),
      {
        Component: RequireUser,
        children: [
          lazyRoute('/templates/new'),
          lazyRoute('/templates/:id/edit'),
          lazyRoute('/results/:taskId'),
          lazyRoute('/me'),
          lazyRoute('/account'),
        ],
      },
      {
        element: <RequireUser operator />,
        children: [lazyRoute('/moderation')],
      },
      { path: '*', Component: NotFound },
    ],
  },
];

export function makeRouter() {
  return createBrowserRouter(routes);
}
