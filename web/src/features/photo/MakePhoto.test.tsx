import { screen } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji, EMOJI_ID, eventStream, task, TASK_ID } from '@/test/tasks';

import MakePhoto from './MakePhoto';

const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
const photo = (name: string) => new File([JPEG], name, { type: 'image/jpeg' });
const others = [{ path: '/results/:taskId', element: <p>the result</p> }];

let uploads: string[];

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:photo');
  URL.revokeObjectURL = vi.fn();
  uploads = [];
  server.use(
    http.get('*/api/v1/emojis/pages/1', () =>
      HttpResponse.json({ emojis: [emoji()], total: 1, total_is_exact: true, next_page_token: '' }),
    ),
    http.get('*/api/v1/emojis/:id', () => HttpResponse.json(emoji())),
    http.post('*/api/v1/faces/tasks', ({ request }) => {
      const by = request.headers.get('authorization') ?? '';
      uploads.push(`${by} ${new URL(request.url).searchParams.get('emoji_id') ?? ''}`);
      return HttpResponse.json({ task_id: TASK_ID }, { status: 202 });
    }),
    http.get('*/api/v1/faces/tasks/:id/events', () => eventStream([task()])),
    http.get('*/api/v1/faces/tasks/:id/image', () => new HttpResponse('jpeg')),
  );
});

describe('making an emoji photo', () => {
  it('leads from a photo to its result, with the most used template by default', async () => {
    const { person } = renderApp(<MakePhoto />, { user: minji, at: '/make', path: '/make', others });
    expect(await screen.findByRole('radio', { name: 'Cats' })).toBeChecked();
    await person.upload(screen.getByTestId('photos'), photo('a.jpg'));
    expect(await screen.findByText('the result')).toBeVisible();
    expect(uploads).toEqual([`Bearer token-of-${minji.id} ${EMOJI_ID}`]);
  });

  it('announces and starts a guest session without an account', async () => {
    const { person } = renderApp(<MakePhoto />, { at: '/make', path: '/make', others });
    server.use(
      http.post('*/api/v1/users/guest', () =>
        HttpResponse.json(
          { access_token: 'guest-token', expires_in: 600, user: { ...minji, role: 'guest', alias: 'guest1' } },
          { status: 201 },
        ),
      ),
    );
    await screen.findByRole('radio', { name: 'Cats' });
    expect(screen.getByText(/No account needed/)).toBeVisible();
    await person.upload(screen.getByTestId('photos'), photo('a.jpg'));
    expect(await screen.findByText('the result')).toBeVisible();
    expect(uploads).toEqual([`Bearer guest-token ${EMOJI_ID}`]);
  });

  it('refuses other files before the upload and accepts the photos', async () => {
    const { person } = renderApp(<MakePhoto />, { user: minji, at: '/make', path: '/make', others });
    await screen.findByRole('radio', { name: 'Cats' });
    const text = new File(['hello'], 'notes.jpg', { type: 'image/jpeg' });
    const none = new File([], 'none.png', { type: 'image/png' });
    await person.upload(screen.getByTestId('photos'), [text, none, photo('a.jpg'), photo('b.jpg')]);
    expect(await screen.findByText('notes.jpg')).toBeVisible();
    expect(screen.getByText(/no photo in JPEG/)).toBeVisible();
    expect(screen.getByText(/the file is empty/)).toBeVisible();
    // With two photos the page stays open.
    await vi.waitFor(() => expect(screen.getAllByRole('link', { name: 'See the result' })).toHaveLength(2));
    expect(uploads).toHaveLength(2);
  });

  it('shows why a photo failed, and retries it on request', async () => {
    const { person } = renderApp(<MakePhoto />, { user: minji, at: '/make', path: '/make', others });
    server.use(http.post('*/api/v1/faces/tasks', () => refusal(400, 'PHOTO_DAMAGED'), { once: true }));
    await screen.findByRole('radio', { name: 'Cats' });
    await person.upload(screen.getByTestId('photos'), photo('a.jpg'));
    expect(await screen.findByText('This photo is damaged and can’t be read.')).toBeVisible();
    await person.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('the result')).toBeVisible();
  });

  it('falls back to another template if the one in the address was deleted', async () => {
    server.use(http.get('*/api/v1/emojis/:id', () => refusal(404, 'EMOJI_NOT_FOUND')));
    renderApp(<MakePhoto />, { user: minji, at: `/make?emoji=${TASK_ID}`, path: '/make', others });
    expect(await screen.findByText(/That template is not here any more/)).toBeVisible();
    expect(await screen.findByRole('radio', { name: 'Cats' })).toBeChecked();
  });
});
