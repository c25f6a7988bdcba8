/** Code-split pages by path. A page is loaded on navigation; the first one as early as possible, by `preload.ts`. */

type PageLoader = () => Promise<{ default: () => React.ReactNode }>;

export const LAZY_ROUTES = {
  '/': () => import('@/features/account/Landing'),
  '/login': () => import('@/features/account/Login'),
  '/signup': () => import('@/features/account/SignUp'),
  '/forgot-password': () => import('@/features/account/ForgotPassword'),
  // Link in the mail for a password reset: /reset-password#token=…
  '/reset-password': () => import('@/features/account/ResetPassword'),
  '/templates': () => import('@/features/gallery/Gallery'),
  '/templates/new': () => import('@/features/editor/NewTemplate'),
  '/templates/:id': () => import('@/features/gallery/TemplatePage'),
  '/templates/:id/edit': () => import('@/features/editor/EditTemplate'),
  '/ranking': () => import('@/features/ranking/Ranking'),
  // ?emoji=ID: the template to start with. Without a login it starts a guest session.
  '/make': () => import('@/features/photo/MakePhoto'),
  '/results/:taskId': () => import('@/features/result/Result'),
  '/s/:token': () => import('@/features/share/SharedPage'),
  // ?tab=emojis
  '/me': () => import('@/features/mypage/MyPage'),
  '/account': () => import('@/features/account/Account'),
  '/moderation': () => import('@/features/moderation/Reports'),
} satisfies Record<string, PageLoader>;

export type Path = keyof typeof LAZY_ROUTES;

/** Return the loader of the first route that matches an address. */
export function lazyRouteAt(pathname: string): PageLoader | undefined {
  const parts = pathname.replace(/\/$/, '').split('/');
  const matches = (path: string) => {
    const pattern = path.replace(/\/$/, '').split('/');
    return pattern.length === parts.length && pattern.every((part, at) => part.startsWith(':') || part === parts[at]);
  };
  return Object.entries<PageLoader>(LAZY_ROUTES).find(([path]) => matches(path))?.[1];
}
