import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';

import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji, listOf } from '@/test/templates';

import Gallery from './Gallery';

/** Serve some templates, and return the received queries. */
function gallery(...templates: ReturnType<typeof emoji>[]) {
  const asked: URLSearchParams[] = [];
  server.use(
    http.get('*/api/v1/emojis/pages/:page', ({ request }) => {
      const { searchParams } = new URL(request.url);
      asked.push(searchParams);
      const words = searchParams.get('q') ?? '';
      return HttpResponse.json(listOf(...templates.filter(({ name }) => name.toLowerCase().includes(words))));
    }),
  );
  return asked;
}

test('a search is sent once after a pause in typing, and is in the address', async () => {
  const asked = gallery(emoji(), emoji({ id: '2', name: 'Dogs' }));
  const { person, router } = renderApp(<Gallery />, { at: '/templates', path: '/templates' });
  await screen.findByRole('heading', { name: 'Dogs' });
  await person.type(screen.getByLabelText('Search'), 'cats');
  await waitFor(() => expect(screen.queryByRole('heading', { name: 'Dogs' })).toBeNull());
  expect(asked.map((parameters) => parameters.get('q'))).toEqual([null, 'cats']);
  expect(router.state.location.search).toBe('?q=cats');
});

test('a tag filters the list', async () => {
  const asked = gallery(emoji());
  const { person } = renderApp(<Gallery />, { at: '/templates?page=3', path: '/templates' });
  await person.click(await screen.findByRole('button', { name: '#animals' }));
  await screen.findByRole('button', { name: 'Tag animals: show all tags again' });
  expect(asked.at(-1)?.get('tag')).toBe('animals');
});

test('a favorite is shown at once, and undone when the server refuses it', async () => {
  gallery(emoji());
  let answer!: () => void;
  const answered = new Promise<void>((done) => (answer = done));
  server.use(
    http.put('*/api/v1/emojis/:id/favorite', async () => {
      await answered;
      return refusal(503, 'UNAVAILABLE');
    }),
  );
  const { person } = renderApp(<Gallery />, { user: minji, language: 'ko' });
  await person.click(await screen.findByRole('button', { name: /^Cats 찜하기/ }));
  const heart = await screen.findByRole('button', { name: /^Cats 찜 취소/ });
  expect(within(heart).getByText('4')).toBeVisible();
  answer();
  expect(await screen.findByText('찜이 저장되지 않았어요. 다시 시도해 주세요.')).toBeVisible();
  expect(within(screen.getByRole('button', { name: /^Cats 찜하기/ })).getByText('3')).toBeVisible();
});

test('favorites ask anonymous visitors to log in', async () => {
  gallery(emoji()); // a call to the server would fail the test
  const { person } = renderApp(<Gallery />);
  await person.click(await screen.findByRole('button', { name: /^Add Cats to my favorites/ }));
  expect(await screen.findByText('Log in, or try it as a guest, to keep favorites.')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'My favorites' })).toBeNull();
});

test.each([
  ['/templates?q=nothing', 'Nothing found'],
  ['/templates?favorites=1', 'No favorites yet'],
  ['/templates', 'No emoji here yet'],
  ['/templates?page=7', 'This page is empty'],
])('an empty list shows the reason: %s', async (at, title) => {
  gallery();
  renderApp(<Gallery />, { at, path: '/templates', user: minji });
  expect(await screen.findByRole('heading', { name: title })).toBeVisible();
});

test('a failed list can be retried', async () => {
  server.use(http.get('*/api/v1/emojis/pages/:page', () => refusal(503, 'UNAVAILABLE')));
  const { person } = renderApp(<Gallery />);
  const again = await screen.findByRole('button', { name: 'Try again' });
  gallery(emoji());
  await person.click(again);
  expect(await screen.findByRole('heading', { name: 'Cats' })).toBeVisible();
});
