import { matchRoutes } from 'react-router';
import { expect, test } from 'vitest';

import { LAZY_ROUTES, lazyRouteAt, type Path } from './lazyRoutes';
import { routes } from './routes';

const ADDRESSES: Record<Path, string> = {
  '/': '/',
  '/login': '/login',
  '/signup': '/signup/',
  '/forgot-password': '/forgot-password',
  '/reset-password': '/reset-password',
  '/templates': '/templates',
  '/templates/new': '/templates/new',
  '/templates/:id': '/templates/7',
  '/templates/:id/edit': '/templates/7/edit',
  '/ranking': '/ranking',
  '/make': '/make',
  '/results/:taskId': '/results/7',
  '/s/:token': '/s/a-b_c',
  '/me': '/me',
  '/account': '/account',
  '/moderation': '/moderation',
};

test.each(Object.entries(ADDRESSES))(
  'the preloaded page of %s is the one that the router shows at %s',
  (path, address) => {
    expect(lazyRouteAt(address)).toBe(LAZY_ROUTES[path as Path]);
    expect(matchRoutes(routes, address)?.at(-1)?.route.path).toBe(path);
  },
);

test('an unknown address has no page', () => {
  expect(lazyRouteAt('/nowhere')).toBeUndefined();
  expect(lazyRouteAt('/templates/7/edit/more')).toBeUndefined();
});
