import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';

import { useListEmojisQuery } from '@/lib/api/emojis';
import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, server } from '@/test/server';

import AccountMenu from './AccountMenu';

function List() {
  const { data } = useListEmojisQuery({ page_number: 1 });
  return <p>{data ? `${data.total} templates` : 'loading'}</p>;
}

test('a logout ends the session and reloads the page’s data without a token', async () => {
  const asked: (string | null)[] = [];
  server.use(
    http.get('*/api/v1/emojis/pages/1', ({ request }) => {
      asked.push(request.headers.get('authorization'));
      return HttpResponse.json({ emojis: [], total: 3, total_is_exact: true, next_page_token: '' });
    }),
    http.post('*/api/v1/users/auth/logout', () => HttpResponse.json({})),
  );
  const { person, store } = renderApp(
    <>
      <AccountMenu user={minji} />
      <List />
    </>,
    { user: minji },
  );
  await screen.findByText('3 templates');
  await person.click(screen.getByRole('button', { name: /Account of/ }));
  await person.click(await screen.findByRole('menuitem', { name: 'Log out' }));
  expect(await screen.findByText('You are logged out.')).toBeVisible();
  await waitFor(() => expect(asked).toEqual([`Bearer token-of-${minji.id}`, null]));
  expect(await screen.findByText('3 templates')).toBeVisible();
  expect(store.getState().session.status).toBe('anonymous');
});
