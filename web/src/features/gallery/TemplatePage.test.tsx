import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';

import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji, mine } from '@/test/templates';

import TemplatePage from './TemplatePage';

function template(given: ReturnType<typeof emoji>) {
  server.use(http.get('*/api/v1/emojis/:id', () => HttpResponse.json(given)));
  return { at: `/templates/${given.id}`, path: '/templates/:id', others: [{ path: '/templates', element: 'Gallery' }] };
}

test('a template shows each of its pictures', async () => {
  const { person } = renderApp(<TemplatePage />, template(emoji()));
  await person.click(await screen.findByRole('button', { name: 'Sad' }));
  expect(screen.getByRole('img', { name: 'Sad' })).toHaveAttribute('src', expect.stringContaining('/images/sad?v=1'));
});

test('the maker can delete it after a confirmation', async () => {
  const deleted: string[] = [];
  server.use(
    http.delete('*/api/v1/emojis/:id', ({ params }) => {
      deleted.push(String(params.id));
      return HttpResponse.json({});
    }),
  );
  const { person } = renderApp(<TemplatePage />, { ...template(emoji(mine)), user: minji });
  await person.click(await screen.findByRole('button', { name: 'Delete' }));
  const dialog = await screen.findByRole('dialog', { name: 'Delete Cats?' });
  expect(deleted).toEqual([]);
  await person.click(within(dialog).getByRole('button', { name: 'Delete' }));
  expect(await screen.findByText('Gallery')).toBeVisible();
  expect(deleted).toEqual([emoji().id]);
});

test('a report keeps its text when sending fails', async () => {
  const reports: unknown[] = [];
  server.use(
    http.post('*/api/v1/emojis/:id/report', () => refusal(503, 'UNAVAILABLE'), { once: true }),
    http.post('*/api/v1/emojis/:id/report', async ({ request }) => {
      reports.push(await request.json());
      return HttpResponse.json({});
    }),
  );
  const { person } = renderApp(<TemplatePage />, { ...template(emoji()), user: minji });
  expect(await screen.findByRole('link', { name: 'Use this emoji' })).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Delete' })).toBeNull();
  await person.click(screen.getByRole('button', { name: 'Report' }));
  await person.click(await screen.findByLabelText('It is advertising or spam'));
  await person.type(screen.getByLabelText('Tell us more (optional)'), 'Buy!');
  await person.click(screen.getByRole('button', { name: 'Send report' }));
  await screen.findByRole('alert');
  expect(screen.getByLabelText('Tell us more (optional)')).toHaveValue('Buy!');
  await person.click(screen.getByRole('button', { name: 'Send report' }));
  expect(await screen.findByText('Thank you. An operator will look at it.')).toBeVisible();
  expect(reports).toEqual([{ reason: 'spam', comment: 'Buy!' }]);
});

test('a private template cannot be shared, and its pictures are loaded with the token', async () => {
  const tokens: (string | null)[] = [];
  server.use(
    http.get('*/api/v1/emojis/:id/images/:expression', ({ request }) => {
      tokens.push(request.headers.get('authorization'));
      return new HttpResponse(null, { status: 404 });
    }),
  );
  renderApp(<TemplatePage />, { ...template(emoji({ ...mine, visibility: 'private' })), user: minji, language: 'ko' });
  expect(await screen.findByText(/나만 볼 수 있는 세트예요/)).toBeVisible();
  expect(screen.queryByRole('button', { name: '공유' })).toBeNull();
  await waitFor(() => expect(tokens).not.toHaveLength(0));
  expect(tokens).not.toContain(null);
});

test('a deleted template shows an empty state', async () => {
  server.use(http.get('*/api/v1/emojis/:id', () => refusal(404, 'EMOJI_NOT_FOUND')));
  renderApp(<TemplatePage />, { at: '/templates/1', path: '/templates/:id' });
  expect(await screen.findByRole('heading', { name: 'This set is not here' })).toBeVisible();
});
