import { fireEvent, screen } from '@testing-library/react';
import { beforeEach, expect, test, vi } from 'vitest';

import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';

import { AuthenticatedImage } from './AuthenticatedImage';
import { Picture } from './Picture';

beforeEach(() => {
  URL.createObjectURL = () => 'blob:photo';
  URL.revokeObjectURL = () => undefined;
});

function busy(times: number) {
  let asked = 0;
  server.use(
    http.get('*/photo', () => {
      asked += 1;
      if (asked > times) return new HttpResponse('jpeg');
      const answer = refusal(503, 'OVERLOADED');
      answer.headers.set('retry-after', '0');
      return answer;
    }),
  );
}

test('a photo is loaded again after load shedding', async () => {
  busy(2);
  renderApp(<AuthenticatedImage path="/photo" alt="The photo" />, { user: minji });
  await vi.waitFor(() => expect(screen.getByAltText('The photo')).toHaveAttribute('src', 'blob:photo'));
});

test('a photo that keeps failing stays a placeholder', async () => {
  busy(100);
  const { container } = renderApp(<AuthenticatedImage path="/photo" alt="The photo" />, { user: minji });
  await vi.waitFor(() => expect(container.querySelector('.MuiSkeleton-root:not(.MuiSkeleton-wave)')).toBeVisible());
});

test('a picture that fails to load is retried a limited number of times', async () => {
  vi.useFakeTimers();
  try {
    renderApp(<Picture src="/happy.png" alt="Happy" size={40} />);
    const image = screen.getByAltText('Happy');
    const asked = vi.fn();
    new MutationObserver(asked).observe(image, { attributeFilter: ['src'] });
    for (let failed = 0; failed < 6; failed += 1) {
      fireEvent.error(image);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(asked).toHaveBeenCalledTimes(3);
    expect(image).toHaveAttribute('src', '/happy.png');
  } finally {
    vi.useRealTimers();
  }
});
