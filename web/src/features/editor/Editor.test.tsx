import { screen, waitFor, within } from '@testing-library/react';
import { beforeEach, expect, test, vi } from 'vitest';

import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji, listOf, mine } from '@/test/templates';

import EditTemplate from './EditTemplate';
import NewTemplate from './NewTemplate';

const zoo = emoji({ id: '0d0bd1a4-5c5c-4d4b-9f5a-0000000000a0', name: 'Little Zoo', built_in: true });
const png = new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])], 'sad.png', {
  type: 'image/png',
});
const others = [{ path: '/templates/:id', element: 'The template' }];

beforeEach(() => {
  // jsdom cannot decode pictures.
  vi.stubGlobal('createImageBitmap', (file: Blob) =>
    file.type === 'image/png' ? Promise.resolve({ width: 1, height: 1, close() {} }) : Promise.reject(new Error()),
  );
  URL.createObjectURL = () => 'blob:preview';
  URL.revokeObjectURL = () => undefined;
  server.use(
    http.get('*/api/v1/emojis/pages/:page', () => HttpResponse.json(listOf(zoo))),
    http.post('*/api/v1/emojis/preview', () => new HttpResponse(png, { headers: { 'content-type': 'image/png' } })),
  );
});

function saves(method: 'post' | 'patch') {
  const sent: Record<string, unknown>[] = [];
  server.use(
    http[method]('*/api/v1/emojis*', async ({ request }) => {
      if (request.url.endsWith('/preview')) return undefined;
      sent.push((await request.json()) as Record<string, unknown>);
      return HttpResponse.json(emoji(mine), { status: method === 'post' ? 201 : 200 });
    }),
    http[method]('*/api/v1/emojis/:id', async ({ request }) => {
      if (request.url.endsWith('/preview')) return undefined;
      sent.push((await request.json()) as Record<string, unknown>);
      return HttpResponse.json(emoji(mine));
    }),
  );
  return sent;
}

const fileInput = (expression: string) => document.querySelector<HTMLInputElement>(`[data-expression=${expression}]`)!;

test('a built-in template fills all slots, and one picture is replaced', async () => {
  const sent = saves('post');
  const { person } = renderApp(<NewTemplate />, { user: minji, others, at: '/templates/new', path: '/templates/new' });
  await person.click(await screen.findByRole('button', { name: 'Little Zoo' }));
  expect(screen.getByText('All seven pictures are there')).toBeVisible();
  await person.upload(fileInput('sad'), png);
  await person.type(screen.getByLabelText(/^Name/), ' My zoo ');
  await person.type(screen.getByLabelText('Tags'), 'Cute,');
  await person.click(screen.getByRole('button', { name: 'Make it' }));
  expect(await screen.findByText('The template')).toBeVisible();
  expect(sent).toEqual([
    {
      name: 'My zoo',
      tags: ['cute'],
      visibility: 'public',
      keep_background: false,
      base_id: zoo.id,
      images: { sad: 'iVBORw0KGgo=' },
    },
  ]);
});

test('missing input is reported, and nothing is sent', async () => {
  const { person } = renderApp(<NewTemplate />, { user: minji, language: 'ko' });
  await person.click(screen.getByRole('button', { name: '만들기' }));
  expect(screen.getByText('이름을 지어 주세요.')).toBeVisible();
  expect(screen.getByText('그림 7장이 비어 있어요')).toBeVisible();
});

test('an unreadable file is reported in its slot, and can be replaced', async () => {
  const { person } = renderApp(<NewTemplate />, { user: minji });
  await person.upload(fileInput('sad'), new File(['text'], 'sad.jpg', { type: 'image/jpeg' }));
  expect(await screen.findByText('Not a picture that can be read')).toBeVisible();
  await person.upload(fileInput('sad'), png);
  await waitFor(() => expect(screen.queryByText('Not a picture that can be read')).toBeNull());
});

test('a failed preview can be retried', async () => {
  server.use(http.post('*/api/v1/emojis/preview', () => refusal(503, 'UNAVAILABLE'), { once: true }));
  const { person } = renderApp(<NewTemplate />, { user: minji });
  await person.upload(fileInput('happy'), png);
  await person.click(await screen.findByRole('button', { name: 'Happy: try again' }));
  expect(await screen.findByRole('button', { name: 'Happy: take my picture away' })).toBeVisible();
});

test('an edit sends only its changes, and can remove the last tag', async () => {
  const sent = saves('patch');
  server.use(http.get('*/api/v1/emojis/:id', () => HttpResponse.json(emoji(mine))));
  const { person } = renderApp(<EditTemplate />, { user: minji, others, at: '/e/1', path: '/e/:id' });
  expect(await screen.findByRole('button', { name: 'Save' })).toBeDisabled();
  await person.click(screen.getByLabelText('Tags'));
  await person.keyboard('{Backspace}');
  await person.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByText('The template')).toBeVisible();
  expect(sent).toEqual([{ etag: 'first', keep_background: false, images: {}, tags: [], update_mask: 'tags' }]);
});

test('a conflict lists the changes of others, and can be saved on top of them', async () => {
  const sent: { etag: string; name: string }[] = [];
  let present = emoji(mine);
  server.use(
    http.get('*/api/v1/emojis/:id', () => HttpResponse.json(present)),
    http.patch('*/api/v1/emojis/:id', async ({ request }) => {
      const body = (await request.json()) as { etag: string; name: string };
      sent.push(body);
      return body.etag === present.etag ? HttpResponse.json(present) : refusal(409, 'EDIT_CONFLICT');
    }),
  );
  const { person } = renderApp(<EditTemplate />, { user: minji, others, at: `/e/${present.id}`, path: '/e/:id' });
  await person.type(await screen.findByLabelText(/^Name/), ' of mine');
  present = { ...present, name: 'Lions', visibility: 'unlisted', etag: 'second' };
  await person.click(screen.getByRole('button', { name: 'Save' }));
  const dialog = await screen.findByRole('dialog', { name: 'Somebody changed this set in the meantime' });
  expect(
    within(dialog)
      .getAllByRole('listitem')
      .map((item) => item.textContent),
  ).toEqual(['Name (you changed it too)', 'Who can see it']);
  expect(screen.queryByText('It was changed in the meantime. Load it again.')).toBeNull();
  await person.click(within(dialog).getByRole('button', { name: 'Save my changes on top' }));
  expect(await screen.findByText('The template')).toBeVisible();
  expect(sent.map(({ etag, name }) => [etag, name])).toEqual([
    ['first', 'Cats of mine'],
    ['second', 'Cats of mine'],
  ]);
});

test('leaving with unsaved changes asks first', async () => {
  const { person, router } = renderApp(<NewTemplate />, { user: minji, others, at: '/new', path: '/new' });
  await person.type(screen.getByLabelText(/^Name/), 'Half');
  void router.navigate('/templates/1');
  await screen.findByRole('dialog', { name: 'Leave without saving?' });
  await person.click(screen.getByRole('button', { name: 'Cancel' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(screen.getByLabelText(/^Name/)).toHaveValue('Half');
  void router.navigate('/templates/1');
  await person.click(await screen.findByRole('button', { name: 'Leave' }));
  expect(await screen.findByText('The template')).toBeVisible();
});
