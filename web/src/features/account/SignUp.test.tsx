import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';

import { renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';

import SignUp from './SignUp';

function taken(...values: string[]) {
  return http.get('*/api/v1/users', ({ request }) =>
    HttpResponse.json({ available: !values.includes(new URL(request.url).searchParams.get('value')!) }),
  );
}

const session = {
  access_token: 'token',
  expires_in: 600,
  user: { id: '1', email: 'm@example.org', alias: '민지', role: 'user' },
};

async function fillIn(person: ReturnType<typeof renderApp>['person'], email: string, alias: string, password: string) {
  await person.type(screen.getByLabelText(/e-mail/i), email);
  await person.type(screen.getByLabelText(/^name/i), alias);
  await person.type(screen.getByLabelText(/^password/i), password);
}

test('a taken alias is reported when the field loses focus', async () => {
  server.use(taken('민지'));
  const { person } = renderApp(<SignUp />);
  await person.type(screen.getByLabelText(/^name/i), '민지');
  await person.tab();
  expect(await screen.findByText('Somebody has this name already.')).toBeVisible();
  await person.type(screen.getByLabelText(/^name/i), '22');
  expect(screen.queryByText('Somebody has this name already.')).toBeNull();
  await person.tab();
  expect(await screen.findByText('Free!')).toBeVisible();
});

test('an error of the server is shown at its field, and the input stays', async () => {
  server.use(
    taken(),
    http.post('*/api/v1/users', () => refusal(409, 'EMAIL_TAKEN', { email: 'taken' })),
  );
  const { person } = renderApp(<SignUp />);
  await fillIn(person, 'm@example.org', '민지', 'a long enough one');
  await person.click(screen.getByRole('button', { name: 'Sign up' }));
  expect(await screen.findByText('There is an account with this address already.')).toBeVisible();
  expect(screen.getByLabelText(/^password/i)).toHaveValue('a long enough one');
});

test('invalid input is not sent', async () => {
  server.use(taken()); // no answer is prepared for a registration: it would fail the test
  const { person } = renderApp(<SignUp />, { language: 'ko' });
  await person.click(screen.getByRole('button', { name: '회원가입' }));
  expect(screen.getByText('올바른 이메일 주소가 아니에요.')).toBeVisible();
  expect(screen.getByText('8자 이상 입력해 주세요.')).toBeVisible();
});

test('a new user is logged in and continues', async () => {
  server.use(
    taken(),
    http.post('*/api/v1/users', () => HttpResponse.json(session.user, { status: 201 })),
    http.post('*/api/v1/users/auth', () => HttpResponse.json(session)),
  );
  const others = [{ path: '/make', element: <p>the photos</p> }];
  const { person, store } = renderApp(<SignUp />, { path: '/signup', at: '/signup', others });
  await fillIn(person, 'm@example.org', '민지', 'a long enough one');
  await person.click(screen.getByRole('button', { name: 'Sign up' }));
  expect(await screen.findByText('the photos')).toBeVisible();
  expect(store.getState().session).toMatchObject({ status: 'authenticated', accessToken: 'token' });
});
