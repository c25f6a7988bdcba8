import { createBrowserRouter, type RouteObject } from 'react-router';

import { Layout } from './Layout';
import { Lost } from './Lost';
import { RequireUser } from './RequireUser';

type Screen = () => Promise<{ default: () => React.ReactNode }>;

/** A screen is loaded when somebody goes there. */
function screen(path: string, load: Screen): RouteObject {
  return { path, lazy: async () => ({ Component: (await load()).default }) };
}

export const routes: RouteObject[] = [
  {
    Component: Layout,
    ErrorBoundary: Lost,
    HydrateFallback: () => null,
    children: [
      screen('/', () => import('@/features/account/Landing')),
      screen('/login', () => import('@/features/account/Login')),
      screen('/signup', () => import('@/features/account/SignUp')),
      screen('/forgot-password', () => import('@/features/account/ForgotPassword')),
      // Where the mail of a password reset leads to: /reset-password#token=…
      screen('/reset-password', () => import('@/features/account/ResetPassword')),
      screen('/templates', () => import('@/features/gallery/Gallery')),
      screen('/templates/:id', () => import('@/features/gallery/TemplatePage')),
      screen('/ranking', () => import('@/features/ranking/Ranking')),
      // ?emoji=ID: the template to begin with. Who is not logged in may try it as a guest.
      screen('/make', () => import('@/features/photo/Make')),
      screen('/s/:token', () => import('@/features/share/SharedPage')),
      {
        Component: RequireUser,
        children: [
          screen('/templates/new', () => import('@/features/editor/NewTemplate')),
          screen('/templates/:id/edit', () => import('@/features/editor/EditTemplate')),
          screen('/results/:taskId', () => import('@/features/result/Result')),
          // ?tab=emojis
          screen('/me', () => import('@/features/mypage/MyPage')),
          screen('/account', () => import('@/features/account/Account')),
        ],
      },
      {
        element: <RequireUser operator />,
        children: [screen('/moderation', () => import('@/features/moderation/Reports'))],
      },
      { path: '*', Component: Lost },
    ],
  },
];

export function makeRouter() {
  return createBrowserRouter(routes);
}
