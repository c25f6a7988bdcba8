import { screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { TaskResult } from '@/lib/api/schema';
import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, server } from '@/test/server';
import { emoji } from '@/test/tasks';

import MyPage from './MyPage';

let results: TaskResult[];

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:photo');
  URL.revokeObjectURL = vi.fn();
  results = Array.from({ length: 9 }, (_, index) => ({
    task_id: `task-${String(index)}`,
    emoji_id: 'e',
    image_url: `/api/v1/faces/tasks/task-${String(index)}/image`,
    faces: index,
    created_at: '2026-01-02T03:04:05Z',
  }));
  server.use(
    http.get('*/api/v1/users/mypage/result', ({ request }) => {
      const page = Number(new URL(request.url).searchParams.get('page_number'));
      const shown = results.slice(8 * (page - 1), 8 * page);
      return HttpResponse.json({ results: shown, emojis: [], total: results.length });
    }),
    http.get('*/api/v1/users/mypage/upload', () => HttpResponse.json({ results: [], emojis: [emoji()], total: 1 })),
    http.get('*/api/v1/faces/tasks/:id/image', () => new HttpResponse('jpeg')),
    http.delete('*/api/v1/faces/tasks/:id', ({ params }) => {
      results = results.filter(({ task_id }) => task_id !== params['id']);
      return HttpResponse.json({});
    }),
  );
});

const photos = () => screen.queryAllByRole('link', { name: /Emoji photo of/ });

describe('my page', () => {
  it('shows eight results per page, and goes back a page when the last one is deleted', async () => {
    const { person, router } = renderApp(<MyPage />, { user: minji, at: '/me', path: '/me' });
    await vi.waitFor(() => expect(photos()).toHaveLength(8));
    await person.click(screen.getByRole('button', { name: 'Page 2' }));
    await vi.waitFor(() => expect(photos()).toHaveLength(1));
    expect(router.state.location.search).toBe('?page=2');
    await person.click(screen.getByRole('button', { name: /^Delete: Emoji photo/ }));
    await person.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Delete' }));
    expect(await screen.findByText('The photo is deleted.')).toBeVisible();
    await vi.waitFor(() => expect(photos()).toHaveLength(8));
    expect(router.state.location.search).toBe('');
  });

  it('keeps a result when the confirmation is canceled', async () => {
    const { person } = renderApp(<MyPage />, { user: minji, at: '/me?page=2', path: '/me' });
    await person.click(await screen.findByRole('button', { name: /^Delete: Emoji photo/ }));
    await person.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Cancel' }));
    expect(results).toHaveLength(9);
  });

  it('shows the templates in their own tab', async () => {
    const { person, router } = renderApp(<MyPage />, { user: minji, at: '/me', path: '/me' });
    await person.click(await screen.findByRole('tab', { name: 'MY EMOJI' }));
    expect(await screen.findByText('Cats')).toBeVisible();
    expect(screen.getByRole('link', { name: 'Edit: Cats' })).toHaveAttribute('href', expect.stringContaining('/edit'));
    expect(router.state.location.search).toBe('?tab=emojis');
  });

  it('warns guests that their data expires', async () => {
    renderApp(<MyPage />, { user: { ...minji, role: 'guest' }, at: '/me', path: '/me' });
    expect(await screen.findByText('You are a guest')).toBeVisible();
  });

  it('links to the start when there are no results', async () => {
    results = [];
    renderApp(<MyPage />, { user: minji, at: '/me', path: '/me' });
    expect(await screen.findByText('No emoji photos yet')).toBeVisible();
    expect(screen.getByRole('link', { name: 'Make one' })).toHaveAttribute('href', '/make');
  });
});
