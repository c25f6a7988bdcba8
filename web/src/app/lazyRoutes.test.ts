import { matchRoutes } from 'react-router';
import { expect, test } from 'vitest';

import { routes } from './routes';
import { SCREENS, screenAt, type Path } from './lazyRoutes';

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

test.each(Object.entries(ADDRESSES))('what is loaded first for %s is what the router shows at %s', (path, address) => {
  expect(screenAt(address)).toBe(SCREENS[path as Path]);
  expect(matchRoutes(routes, address)?.at(-1)?.route.path).toBe(path);
});

test('an address of nothing has no screen', () => {
  expect(screenAt('/nowhere')).toBeUndefined();
  expect(screenAt('/templates/7/edit/more')).toBeUndefined();
});
