import { act, screen, waitFor } from '@testing-library/react';
import { useState } from 'react';
import { expect, test } from 'vitest';

import { sessionExpired } from '@/lib/api/session';
import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';

import { Layout } from './Layout';

function Form() {
  const [text, setText] = useState('');
  return <textarea aria-label="Story" value={text} onChange={(event) => setText(event.target.value)} />;
}

function renderForm() {
  const others = [{ Component: Layout, children: [{ path: '/form', element: <Form /> }] }];
  return renderApp(null, { user: minji, at: '/form', path: '/nowhere', others });
}

test('a login after the session expired keeps the input of the form', async () => {
  const passwords: string[] = [];
  server.use(
    http.post('*/api/v1/users/auth', async ({ request }) => {
      const { password } = (await request.json()) as { password: string };
      passwords.push(password);
      if (password !== 'right') return refusal(401, 'WRONG_CREDENTIALS');
      return HttpResponse.json({ access_token: 'new', expires_in: 600, user: minji });
    }),
  );
  const { person, store } = renderForm();
  await person.type(screen.getByLabelText('Story'), 'once upon a time');

  act(() => void store.dispatch(sessionExpired()));
  await person.type(await screen.findByLabelText(/^password/i), 'wrong{Enter}');
  expect(await screen.findByText('The password is not right.')).toBeVisible();
  await person.clear(screen.getByLabelText(/^password/i));
  await person.type(screen.getByLabelText(/^password/i), 'right{Enter}');

  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(screen.getByLabelText('Story')).toHaveValue('once upon a time');
  expect(store.getState().session.accessToken).toBe('new');
  expect(passwords).toEqual(['wrong', 'right']);
});

test('declining to log in again ends the session', async () => {
  const { person, store } = renderForm();
  act(() => void store.dispatch(sessionExpired()));
  await person.click(await screen.findByRole('button', { name: 'Not now' }));
  expect(store.getState().session).toMatchObject({ status: 'anonymous', user: null });
});
