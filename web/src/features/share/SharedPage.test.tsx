import { screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji } from '@/test/tasks';

import SharedPage from './SharedPage';

const TOKEN = 'abcdefghijklmnopqrstuv';

describe('a shared photo', () => {
  const at = `/s/${TOKEN}`;
  const path = '/s/:token';

  it('is shown without a login, with a link to its template', async () => {
    server.use(
      http.get('*/api/v1/shared/:token', () =>
        HttpResponse.json({ image_url: `/api/v1/shared/${TOKEN}/image`, width: 4, height: 3, emoji_id: 'e' }),
      ),
      http.get('*/api/v1/emojis/:id', () => HttpResponse.json(emoji({ id: 'e' }))),
    );
    renderApp(<SharedPage />, { at, path });
    const photo = await screen.findByRole('img', { name: 'The shared emoji photo' });
    expect(photo).toHaveAttribute('src', `/api/v1/shared/${TOKEN}/image`);
    expect(await screen.findByRole('link', { name: 'Make one with this template' })).toHaveAttribute(
      'href',
      '/make?emoji=e',
    );
  });

  it.each([
    [404, 'LINK_NOT_FOUND'],
    [400, 'INVALID_ARGUMENT'],
  ])('is not found on status %i', async (status, reason) => {
    server.use(http.get('*/api/v1/shared/:token', () => refusal(status, reason)));
    renderApp(<SharedPage />, { at, path });
    expect(await screen.findByText('This link leads nowhere')).toBeVisible();
  });

  it('can be retried after a network error', async () => {
    server.use(http.get('*/api/v1/shared/:token', () => HttpResponse.error()));
    renderApp(<SharedPage />, { at, path });
    expect(await screen.findByRole('button', { name: 'Try again' })).toBeVisible();
  });
});
