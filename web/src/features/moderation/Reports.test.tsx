import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';

import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji } from '@/test/templates';

import Reports from './Reports';

const operator = { ...minji, role: 'operator' };

function queue() {
  const waiting = [
    {
      emoji: emoji(),
      total: 2,
      reports: [{ reason: 'privacy', comment: 'That is me.', reported_at: '2026-11-20T10:00:00Z' }],
      waiting_since: '2026-11-20T10:00:00Z',
    },
  ];
  const decisions: unknown[] = [];
  server.use(
    http.get('*/api/v1/moderation/reports', ({ request }) => {
      const decided = new URL(request.url).searchParams.get('decided') === 'true';
      return HttpResponse.json({ reported: decided ? [] : waiting, next_page_token: '' });
    }),
    http.post('*/api/v1/moderation/emojis/:id', async ({ request }) => {
      decisions.push(await request.json());
      waiting.pop();
      return HttpResponse.json({});
    }),
  );
  return decisions;
}

test('an operator sees the reasons, and a decided report leaves the queue', async () => {
  const decisions = queue();
  const { person } = renderApp(<Reports />, { user: operator });
  expect(await screen.findByText('2 reports')).toBeVisible();
  expect(screen.getByText('It shows a person without their consent')).toBeVisible();
  await person.click(screen.getByRole('button', { name: 'Hide' }));
  expect(await screen.findByRole('heading', { name: 'Nothing waits' })).toBeVisible();
  expect(decisions).toEqual([{ decision: 'hide' }]);
});

test('deletion asks for confirmation', async () => {
  const decisions = queue();
  const { person } = renderApp(<Reports />, { user: operator, language: 'ko' });
  await person.click(await screen.findByRole('button', { name: '삭제' }));
  await screen.findByRole('dialog', { name: 'Cats을(를) 완전히 삭제할까요?' });
  await person.click(screen.getByRole('button', { name: '취소' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(decisions).toEqual([]);
});

test('a template deleted in the meantime is reported', async () => {
  queue();
  server.use(http.post('*/api/v1/moderation/emojis/:id', () => refusal(404, 'EMOJI_NOT_FOUND')));
  const { person } = renderApp(<Reports />, { user: operator });
  await person.click(await screen.findByRole('button', { name: 'Keep it' }));
  expect(await screen.findByText('It was deleted in the meantime.')).toBeVisible();
});
