import { screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';

import { renderApp } from '@/test/render';
import { http, HttpResponse, server } from '@/test/server';
import { emoji } from '@/test/templates';

import Ranking from './Ranking';

function ranking(window: string, ...uses: number[]) {
  const entries = uses.map((count, index) => ({
    rank: uses.filter((other) => other > count).length + 1,
    emoji: emoji({ id: String(index), name: `Set ${index + 1}` }),
    uses: count,
  }));
  server.use(
    http.get('*/api/v1/faces/ranking', ({ request }) =>
      HttpResponse.json({ entries: new URL(request.url).searchParams.get('window') === window ? entries : [] }),
    ),
  );
}

test('the top three are on the podium, and all are in the chart, in rank order', async () => {
  ranking('week', 40, 20, 20, 5);
  renderApp(<Ranking />);
  const podium = await screen.findByRole('region', { name: 'The top three' });
  const steps = within(podium).getAllByRole('listitem');
  expect(steps.map((step) => within(step).getByRole('link').textContent)).toEqual([
    'Set 140 uses',
    'Set 220 uses',
    'Set 320 uses',
  ]);
  const chart = screen.getByRole('region', { name: 'How many people used them' });
  const places = within(chart).getAllByRole('img', { name: /^Number/ });
  expect(places.map((place) => place.textContent)).toEqual(['1', '2', '2', '4']);
});

test('a tab switches the ranking window, and an empty one shows a message', async () => {
  ranking('all', 3);
  const { person, router } = renderApp(<Ranking />, { language: 'ko' });
  expect(await screen.findByRole('heading', { name: '이번 주에는 아직 사진이 없어요' })).toBeVisible();
  await person.click(screen.getByRole('tab', { name: '전체' }));
  expect(await screen.findByRole('region', { name: 'TOP 3' })).toBeVisible();
  expect(router.state.location.search).toBe('?window=all');
});
