import { screen } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';

import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { TASK_ID } from '@/test/tasks';

import ShareDialog from './ShareDialog';

const TOKEN = 'abcdefghijklmnopqrstuv';
const SHARE = '*/api/v1/faces/tasks/:id/share';

describe('sharing a photo', () => {
  let links: unknown[];

  beforeEach(() => {
    links = [];
    server.use(
      http.post(SHARE, async ({ request }) => {
        links.push(await request.json());
        const expires_at = '2030-01-02T03:04:05Z';
        return HttpResponse.json({ token: TOKEN, url: `/api/v1/shared/${TOKEN}`, expires_at }, { status: 201 });
      }),
      http.delete(SHARE, () => {
        links = [];
        return HttpResponse.json({});
      }),
    );
  });

  function show() {
    const photo = new File(['jpeg'], 'igemoji.jpg', { type: 'image/jpeg' });
    return renderApp(<ShareDialog taskId={TASK_ID} photo={photo} onClose={() => undefined} />, { user: minji });
  }

  it('creates a link to the page of the photo for a week, and copies it', async () => {
    const { person } = show();
    await person.click(screen.getByRole('button', { name: 'Make a link' }));
    const link = `http://igemoji.test/s/${TOKEN}`;
    expect(await screen.findByLabelText('Link')).toHaveValue(link);
    expect(links).toEqual([{ days: 7 }]);
    await person.click(screen.getByRole('button', { name: 'Copy' }));
    expect(await screen.findByText('The link is copied.')).toBeVisible();
    expect(await navigator.clipboard.readText()).toBe(link);
  });

  it('creates a link for a chosen number of days', async () => {
    const { person } = show();
    await person.selectOptions(screen.getByLabelText('The link works for'), 'One day');
    await person.click(screen.getByRole('button', { name: 'Make a link' }));
    await screen.findByLabelText('Link');
    expect(links).toEqual([{ days: 1 }]);
  });

  it('revokes all links', async () => {
    const { person } = show();
    await person.click(screen.getByRole('button', { name: 'Make a link' }));
    await screen.findByLabelText('Link');
    await person.click(screen.getByRole('button', { name: 'Revoke all links' }));
    expect(await screen.findByText('No link to this photo works any more.')).toBeVisible();
    expect(screen.queryByLabelText('Link')).toBeNull();
    expect(links).toEqual([]);
  });

  it('does not report success when revoking fails', async () => {
    const { person } = show();
    server.use(http.delete(SHARE, () => refusal(503, 'UNAVAILABLE')));
    await person.click(screen.getByRole('button', { name: 'Revoke all links' }));
    expect(await screen.findByText(/is busy/)).toBeVisible();
    expect(screen.queryByText('No link to this photo works any more.')).toBeNull();
  });
});
