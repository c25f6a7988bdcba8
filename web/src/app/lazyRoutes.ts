/** Which file shows which address. A screen is loaded when somebody goes there; the first one, as soon as can be: `first.ts`. */

type Screen = () => Promise<{ default: () => React.ReactNode }>;

export const SCREENS = {
  '/': () => import('@/features/account/Landing'),
  '/login': () => import('@/features/account/Login'),
  '/signup': () => import('@/features/account/SignUp'),
  '/forgot-password': () => import('@/features/account/ForgotPassword'),
  // Where the mail of a password reset leads to: /reset-password#token=…
  '/reset-password': () => import('@/features/account/ResetPassword'),
  '/templates': () => import('@/features/gallery/Gallery'),
  '/templates/new': () => import('@/features/editor/NewTemplate'),
  '/templates/:id': () => import('@/features/gallery/TemplatePage'),
  '/templates/:id/edit': () => import('@/features/editor/EditTemplate'),
  '/ranking': () => import('@/features/ranking/Ranking'),
  // ?emoji=ID: the template to begin with. Who is not logged in may try it as a guest.
  '/make': () => import('@/features/photo/MakePhoto'),
  '/results/:taskId': () => import('@/features/result/Result'),
  '/s/:token': () => import('@/features/share/SharedPage'),
  // ?tab=emojis
  '/me': () => import('@/features/mypage/MyPage'),
  '/account': () => import('@/features/account/Account'),
  '/moderation': () => import('@/features/moderation/Reports'),
} satisfies Record<string, Screen>;

export type Path = keyof typeof SCREENS;

/** The screen of an address: the first that fits. */
export function screenAt(pathname: string): Screen | undefined {
  const parts = pathname.replace(/\/$/, '').split('/');
  const fits = (path: string) => {
    const wanted = path.replace(/\/$/, '').split('/');
    return wanted.length === parts.length && wanted.every((part, at) => part.startsWith(':') || part === parts[at]);
  };
  return Object.entries<Screen>(SCREENS).find(([path]) => fits(path))?.[1];
}
